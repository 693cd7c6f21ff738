select * from casegold.backfill_approve(%(id)s, %(digest)s)
