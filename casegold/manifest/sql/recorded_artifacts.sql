select partition_key, name, media_type, uri, bytes, sha256
from version_artifact
where dataset = %(dataset)s and version = %(version)s and partition_key = any(%(partitions)s::date[])
order by partition_key, name
