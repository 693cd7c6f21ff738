select a.uri
from version_artifact a
join partition_state s on s.dataset = a.dataset and s.partition_key = a.partition_key and s.current_version = a.version
order by a.partition_key, a.name
