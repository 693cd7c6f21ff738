select o.id, o.aggregatetype, o.aggregateid, o.type, o.payload, o.created_at, o.audit_sequence, o.audit_digest
from outbox o
left join outbox_delivery d using (id)
where d.id is null
order by o.position
limit %(limit)s
