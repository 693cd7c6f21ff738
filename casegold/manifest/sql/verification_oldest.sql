-- Official partitions, those first whose version was never looked at, then those looked at longest ago.
select s.partition_key
from partition_state s
left join lateral (select max(v.verification_id) as last from verification v
                   where v.dataset = s.dataset and v.partition_key = s.partition_key
                     and v.version = s.current_version) looked on true
where s.dataset = %(dataset)s and s.current_version is not null
order by looked.last nulls first, s.partition_key
limit %(size)s
