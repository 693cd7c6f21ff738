select * from run_manifest where state = 'OPEN' order by requested_at, run_id
