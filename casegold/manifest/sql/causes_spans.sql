-- Restated partitions that were computed from facts: those that became known between the old sequence and the new one,
-- together where both are the same; up to which date they count is all that tells them apart.
select b.input_version as after_seq, a.input_version as until_seq, max(p.partition_key) as last
from version_partition p
join version_input a on a.dataset = p.dataset and a.version = p.version and a.partition_key = p.partition_key
join version_input b on b.dataset = p.dataset and b.version = p.previous_version and b.partition_key = p.partition_key
where p.dataset = %(dataset)s and p.version = %(version)s
  and (%(partition)s::date is null or p.partition_key = %(partition)s)
  and a.input_dataset = 'silver/case_events' and b.input_dataset = a.input_dataset and a.input_version > b.input_version
group by b.input_version, a.input_version
order by after_seq, until_seq
