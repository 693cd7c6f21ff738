select hold_id, kind, partition_from, partition_to, fingerprint, reason
from hold
where dataset = %(dataset)s and released_at is null
  and partition_from <= %(last)s and partition_to >= %(first)s
order by partition_from, hold_id
