select ingest_seq, min(recorded_at) as recorded_at from table_to_count group by ingest_seq
