select * from casegold.backfill_ask(%(dataset)s, %(first)s, %(last)s, %(mode)s, %(reason)s)
