insert into replay (backfill_run_id, uri, events) values (%(id)s, %(uri)s, %(events)s)
