select backfill_expire(%(dataset)s)
