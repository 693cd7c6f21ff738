select * from run_manifest where dataset = %(dataset)s and state = 'OPEN' order by requested_at limit 1
