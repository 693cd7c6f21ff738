select ingest_seq, count(*) as row_count from table_to_count group by ingest_seq
