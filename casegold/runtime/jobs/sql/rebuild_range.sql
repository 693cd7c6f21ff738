select * from ranged_rows
where ingest_seq between $first and $last
order by ingest_seq, kafka_partition, kafka_offset
