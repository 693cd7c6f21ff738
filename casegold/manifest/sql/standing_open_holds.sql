select hold_id as hold, dataset, partition_from as first, partition_to as last, kind, reason, opened_at,
       count(*) over () as total
from hold
where released_at is null
order by dataset, partition_from, hold_id
limit %(limit)s
