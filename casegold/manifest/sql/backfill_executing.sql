-- Backfills under way: what their admission, and their restatement, replay or shadow, have come to. Superseded work is not theirs
-- any more.
select r.backfill_run_id, r.dataset, r.mode, r.plan, r.partition_from as first, r.partition_to as last, r.reason, r.plan_digest, r.state,
       coalesce((r.plan #>> '{facts,count}')::bigint, 0) as facts,
       admission.state as admission, restatement.run_id, restatement.state as restatement,
       restatement.outcome ->> 'error' as error
from backfill_request r
left join lateral (
    select m.state from run_manifest m
    where m.parameters ->> 'backfill_run_id' = r.backfill_run_id and m.mode <> 'NORMAL'
      and m.pipeline = 'admission' and m.state <> 'SUPERSEDED'
    order by m.requested_at desc limit 1) admission on true
left join lateral (
    select m.run_id, m.state, m.outcome from run_manifest m
    where m.parameters ->> 'backfill_run_id' = r.backfill_run_id and m.mode <> 'NORMAL'
      and m.pipeline <> 'admission' and (m.dataset = r.dataset or m.mode in ('REPLAY', 'SHADOW')) and m.state <> 'SUPERSEDED'
    order by m.requested_at desc limit 1) restatement on true
where r.state in ('EXECUTING', 'PAUSED')
order by r.requested_at, r.backfill_run_id
