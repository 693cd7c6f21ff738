-- Partitions computed at a sequence that knew the fact, from the first date on that it can change.
select i.dataset, i.partition_key, i.version
from version_input i
where i.input_dataset = 'silver/case_events' and i.input_partition >= %(dirty_from)s and i.input_version >= %(admitted_seq)s
