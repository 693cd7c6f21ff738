insert into control_total (source, business_date, event_type, revision, count, as_of, totals_seq)
select source, business_date, event_type, revision, count, as_of, %(seq)s
from unnest(%(sources)s::text[], %(dates)s::date[], %(types)s::text[], %(revisions)s::bigint[],
            %(counts)s::bigint[], %(as_of)s::timestamptz[])
    as brought (source, business_date, event_type, revision, count, as_of)
