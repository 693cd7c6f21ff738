select name, media_type, uri, bytes, sha256
from version_artifact
where dataset = %(dataset)s and version = %(version)s and partition_key = %(key)s
order by name
