select source, event_id, event_type, case_id, dirty_from, held_because, held_at, count(*) over () as total
from fact_admission
where state = 'HELD'
order by dirty_from, source, event_id
limit %(limit)s
