-- The first date from a dirty one on that no person has pinned.
select min(d.business_date) as first
from day_close d
left join partition_state s on s.dataset = %(dataset)s and s.partition_key = d.business_date
where d.business_date >= %(first)s and not coalesce(s.pinned, false)
