select version, snapshot_id from reconciliation where dataset = %(dataset)s
