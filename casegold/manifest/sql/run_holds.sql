select hold_id as hold, kind, partition_from as first, partition_to as last, reason, opened_at, released_at, released_by,
       release_reason
from hold
where run_id = %(run_id)s
order by hold_id
