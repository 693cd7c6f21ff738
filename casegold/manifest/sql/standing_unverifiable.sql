-- Official partitions that could not be computed again when they were last looked at.
select s.dataset, s.partition_key as partition, s.current_version as version, found.verified_at as found_at,
       found.reason, count(*) over () as total
from partition_state s
cross join lateral (select v.* from verification v
                    where v.dataset = s.dataset and v.partition_key = s.partition_key and v.version = s.current_version
                    order by v.verification_id desc limit 1) found
where found.outcome = 'UNVERIFIABLE'
order by found.verified_at, s.dataset, s.partition_key
limit %(limit)s
