select * from casegold.backfill_reject(%(id)s, %(reason)s)
