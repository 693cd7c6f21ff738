select * from casegold.backfill_resume(%(id)s, %(reason)s)
