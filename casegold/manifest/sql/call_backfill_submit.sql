select * from casegold.backfill_submit(%(id)s, %(plan)s)
