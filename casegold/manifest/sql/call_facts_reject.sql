select * from casegold.facts_reject(%(ids)s::text[], %(reason)s)
