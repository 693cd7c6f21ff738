-- Official partitions that came out differently and were not verified since in the version that is official.
select s.dataset, s.partition_key as partition, s.current_version as version, found.verified_at as found_at,
       found.reason, found.asked_by, count(*) over () as total
from partition_state s
cross join lateral (select v.* from verification v
                    where v.dataset = s.dataset and v.partition_key = s.partition_key and v.version = s.current_version
                      and v.outcome <> 'UNVERIFIABLE'
                    order by v.verification_id desc limit 1) found
where found.outcome = 'DIFFERENT'
order by found.verified_at, s.dataset, s.partition_key
limit %(limit)s
