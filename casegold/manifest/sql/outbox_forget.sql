delete from outbox_delivery where topic = %(topic)s
