insert into outbox (id, aggregatetype, aggregateid, type, payload)
values (%(id)s, %(aggregate_type)s, %(aggregate_id)s, %(event_type)s, %(payload)s)
on conflict (id) do nothing
