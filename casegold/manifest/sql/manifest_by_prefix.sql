select run_id from run_manifest where starts_with(run_id, %(beginning)s) order by run_id limit 2
