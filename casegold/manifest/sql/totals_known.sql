select t.source, t.business_date, t.event_type, t.revision, t.count, t.as_of
from unnest(%(sources)s::text[], %(dates)s::date[], %(types)s::text[], %(revisions)s::bigint[])
    as asked (source, business_date, event_type, revision)
join control_total t using (source, business_date, event_type, revision)
