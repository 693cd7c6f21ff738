insert into reconciliation (dataset, version, snapshot_id)
values (%(dataset)s, %(version)s, %(snapshot_id)s)
on conflict (dataset) do update
set version = excluded.version, snapshot_id = excluded.snapshot_id, reconciled_at = clock_timestamp()
