select * from run_manifest where run_id = %(run_id)s
