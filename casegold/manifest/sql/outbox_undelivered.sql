select o.id, o.aggregatetype, o.aggregateid, o.type, o.payload, o.created_at
from outbox o
left join outbox_delivery d using (id)
where d.id is null
order by o.position
limit %(limit)s
