update dataset_version set state = 'COMPLETED', snapshot_id = %(snapshot_id)s, completed_at = clock_timestamp()
where dataset = %(dataset)s and version = %(version)s and state in ('PREPARED', 'ABANDONING')
returning *
