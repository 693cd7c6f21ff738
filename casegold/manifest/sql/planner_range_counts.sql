select count(*) as restated
from partition_state
where dataset = %(dataset)s and partition_key between %(first)s and %(last)s and current_version is not null
