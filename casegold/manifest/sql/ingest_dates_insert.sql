insert into ingest_dates (ingest_seq, dirty_from, facts, late) values (%(seq)s, %(dirty_from)s, %(facts)s, %(late)s)
