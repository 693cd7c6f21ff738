select o.id::text as event, o.aggregatetype as aggregate, o.aggregateid as of, o.type, o.created_at,
       count(*) over () as total
from outbox o
where o.created_at < clock_timestamp() - interval '10 minutes'
  and not exists (select from outbox_delivery d where d.id = o.id)
order by o.position
limit %(limit)s
