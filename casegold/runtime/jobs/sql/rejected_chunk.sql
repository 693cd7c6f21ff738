select * from rejected_records where ingest_seq = getvariable('seq') order by kafka_partition, kafka_offset
