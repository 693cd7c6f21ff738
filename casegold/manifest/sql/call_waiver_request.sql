select * from casegold.waiver_request(%(dataset)s, %(first)s, %(last)s, %(check)s, %(reason)s)
