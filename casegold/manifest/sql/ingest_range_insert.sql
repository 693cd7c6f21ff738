insert into ingest_source_range (dataset, seq, topic, epoch, kafka_partition, start_offset, end_offset, records,
                                 non_records, lost)
values (%(dataset)s, %(seq)s, %(topic)s, %(epoch)s, %(partition)s, %(start)s, %(end)s, %(records)s, %(non_records)s,
        %(lost)s)
