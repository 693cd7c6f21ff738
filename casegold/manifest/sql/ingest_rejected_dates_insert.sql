insert into ingest_rejected_dates (ingest_seq, effective_date, records)
values (%(seq)s, %(effective_date)s, %(records)s)
