-- name: outbox_delivered
insert into outbox_delivery (id, topic, kafka_partition, kafka_offset)
values (%(id)s, %(topic)s, %(partition)s, %(offset)s)
on conflict (id) do nothing

-- name: outbox_insert
insert into outbox (id, aggregatetype, aggregateid, type, payload)
values (%(id)s, %(aggregate_type)s, %(aggregate_id)s, %(event_type)s, %(payload)s)
on conflict (id) do nothing

-- name: outbox_lock
-- Held until the transaction ends. Only one relay works at a time: two could overtake each other within an aggregate.
select pg_advisory_xact_lock(7204)

-- name: outbox_undelivered
select o.id, o.aggregatetype, o.aggregateid, o.type, o.payload, o.created_at, o.audit_sequence, o.audit_digest
from outbox o
left join outbox_delivery d using (id)
where d.id is null
order by o.position
limit %(limit)s

-- name: outbox_forget
delete from outbox_delivery where topic = %(topic)s

-- name: case_range
-- The case hash is the first four of the 32 hexadecimal digits of the case id's MD5.
select * from rows
where cast('0x' || substr(md5(case_id), 1, 4) as integer) >= $hash_from
  and cast('0x' || substr(md5(case_id), 1, 4) as integer) < $hash_to
