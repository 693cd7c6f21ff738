insert into shadow_partition (backfill_run_id, partition_key, row_count, digest_high, digest_low, passed, dataset,
                              official_version, added, removed, changed, files)
values (%(id)s, %(key)s, %(rows)s, %(digest_high)s, %(digest_low)s, %(passed)s, %(dataset)s,
        %(official_version)s, %(added)s, %(removed)s, %(changed)s, %(files)s)
