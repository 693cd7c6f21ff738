update dataset_version v set state = 'COMPLETED', snapshot_id = %(snapshot_id)s, completed_at = clock_timestamp()
where dataset = %(dataset)s and version = %(version)s and state in ('PREPARED', 'ABANDONING')
returning v.*, (select m.parameters ->> 'backfill_run_id' from run_manifest m where m.run_id = v.run_id) as backfill_run_id
