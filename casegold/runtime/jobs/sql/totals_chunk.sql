select * from bronze_control_totals where totals_seq = getvariable('seq') order by kafka_partition, kafka_offset
