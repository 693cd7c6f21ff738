select * from casegold.backfill_pause(%(id)s, %(reason)s)
