select * from casegold.backfill_refuse(%(id)s, %(attempt)s, %(why)s, %(detail)s)
