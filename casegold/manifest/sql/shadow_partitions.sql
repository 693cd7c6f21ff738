select p.partition_key, p.row_count, p.digest_high, p.digest_low, p.passed, p.official_version, p.added, p.removed, p.changed,
       p.files, coalesce(o.row_count, 0) as rows_before
from shadow_partition p
left join version_partition o on o.dataset = p.dataset and o.version = p.official_version
                             and o.partition_key = p.partition_key
where p.backfill_run_id = %(id)s
order by p.partition_key
