-- What the last runs managed; null where there were none.
select sum(rows)::float8 / nullif(sum(seconds), 0) as rows_per_second
from (
    select (m.outcome ->> 'rows')::bigint as rows, extract(epoch from a.ended_at - a.started_at)::float8 as seconds
    from run_manifest m
    join run_attempt a on a.run_id = m.run_id and a.state = 'SUCCEEDED'
    where m.dataset = %(dataset)s and m.state = 'SUCCEEDED' and m.outcome ? 'rows'
    order by m.requested_at desc
    limit 20) past
