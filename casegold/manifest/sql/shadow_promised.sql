-- What the backfill that a run belongs to has promised to publish: the figures of a shadow.
select p.partition_key, p.row_count, p.digest_high, p.digest_low
from backfill_request r
join shadow_partition p on p.backfill_run_id = r.plan #>> '{promotes,backfill_run_id}'
where r.backfill_run_id = %(id)s
