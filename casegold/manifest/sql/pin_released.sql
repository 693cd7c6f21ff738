select distinct current_version
from partition_state
where dataset = %(dataset)s and partition_key between %(first)s and %(last)s and released
order by current_version
