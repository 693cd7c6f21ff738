select source, array_agg(event_type order by event_type) as types
from unnest(%(sources)s::text[]) as sources (source)
cross join unnest(%(types)s::text[]) as types (event_type)
where not exists (
    select from control_total t
    where t.business_date = %(day)s and t.source = sources.source and t.event_type = types.event_type)
group by source
order by source
