insert into fact_admission (source, event_id, event_type, case_id, dirty_from, ingest_seq, held_because)
values (%(source)s, %(event_id)s, %(event_type)s, %(case_id)s, %(dirty_from)s, %(seq)s, %(because)s)
