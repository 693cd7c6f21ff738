insert into trigger_ledger (source, event_id, event_type, topic_id, kafka_partition, kafka_offset, decision)
values (%(source)s, %(event_id)s, %(event_type)s, %(topic_id)s, %(partition)s, %(offset)s, %(decision)s)
on conflict (source, event_id)
do update set duplicates = trigger_ledger.duplicates + 1, last_duplicate_at = clock_timestamp()
returning duplicates = 0 as first
