insert into event_conflict (topic, epoch, kafka_partition, kafka_offset, source, event_id, event_type, case_id,
                            effective_date, recorded_date, emitted_at, content_digest, ingest_seq)
values (%(topic)s, %(epoch)s, %(kafka_partition)s, %(kafka_offset)s, %(source)s, %(event_id)s, %(event_type)s,
        %(case_id)s, %(effective_date)s, %(recorded_date)s, %(emitted_at)s, %(content_digest)s, %(seq)s)
