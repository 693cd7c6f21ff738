insert into version_input (dataset, version, partition_key, input_dataset, input_partition, input_version)
values (%(dataset)s, %(version)s, %(partition)s, %(input_dataset)s, %(input_partition)s, %(input_version)s)
