select * from casegold.backfill_end(%(id)s, %(succeeded)s, %(reason)s)
