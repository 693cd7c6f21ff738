insert into repair (run_id, dataset, partition_key, file_path, action, record_count, bytes_before, bytes_after,
                    wrong_snapshot, wrong_since)
values (%(run_id)s, %(dataset)s, %(partition)s, %(path)s, %(action)s, %(rows)s, %(bytes_before)s, %(bytes_after)s,
        %(wrong_snapshot)s, %(wrong_since)s)
on conflict (run_id, file_path, action) do update set bytes_after = excluded.bytes_after
where repair.snapshot_id is null
