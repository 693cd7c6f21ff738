select * from bronze_case_events where ingest_seq = getvariable('seq') order by kafka_partition, kafka_offset
