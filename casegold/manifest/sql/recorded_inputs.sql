select partition_key, input_dataset, input_partition, input_version
from version_input
where dataset = %(dataset)s and version = %(version)s and partition_key = any(%(partitions)s::date[])
order by partition_key, input_dataset, input_partition
