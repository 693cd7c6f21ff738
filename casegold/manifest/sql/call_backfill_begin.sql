select * from casegold.backfill_begin(%(id)s, %(digest)s)
