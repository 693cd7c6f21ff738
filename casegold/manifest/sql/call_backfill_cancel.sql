select * from casegold.backfill_cancel(%(id)s, %(reason)s)
