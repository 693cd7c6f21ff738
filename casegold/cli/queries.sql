-- name: manifest_by_prefix
select run_id from run_manifest where starts_with(run_id, %(beginning)s) order by run_id limit 2

-- name: backfill_progress
select run_id, pipeline, dataset, partition_from as first, partition_to as last, state, outcome, attempt, attempt_state,
       version
from casegold.backfill_run
where backfill_run_id = %(id)s
order by requested_at, run_id

-- name: facts_by_id
select source, event_id, dirty_from, ingest_seq
from silver_case_events
where event_id = $event_id and ($source is null or source = $source)
order by source

-- name: setting_changes
select value, reason, changed_at, changed_by from setting where key = %(key)s
union all
select value, reason, changed_at, changed_by from setting_history where key = %(key)s
order by changed_at desc

-- name: loss_list
select topic, epoch, kafka_partition, start_offset, end_offset, accepted_at, accepted_by, reason
from source_loss
order by accepted_at desc, topic, kafka_partition
limit %(limit)s
