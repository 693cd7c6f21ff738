-- name: ingest_in_flight
-- Only manifests that read offsets: not maintenance, rebuilds and repairs, which give way while they wait and end by
-- themselves once they run, and not admissions.
select * from run_manifest
where dataset = %(dataset)s and state = 'OPEN' and pipeline not in ('maintenance', 'admission', 'rebuild', 'repair')
order by requested_at
limit 1

-- name: ingest_last_seq
select coalesce(max(seq), 0) as seq from ingest_commit where dataset = %(dataset)s

-- name: ingest_commit_get
select seq from ingest_commit where dataset = %(dataset)s and seq = %(seq)s

-- name: ingest_commit_insert
insert into ingest_commit (dataset, seq, kind, run_id, attempt, records, accepted, duplicates, conflicts, rejected,
                           rejected_by_reason)
values (%(dataset)s, %(seq)s, 'INGEST', %(run_id)s, %(attempt)s, %(records)s, %(accepted)s, %(duplicates)s,
        %(conflicts)s, %(rejected)s, %(rejected_by_reason)s)

-- name: ingest_range_insert
insert into ingest_source_range (dataset, seq, topic, epoch, kafka_partition, start_offset, end_offset, records,
                                 non_records, lost)
values (%(dataset)s, %(seq)s, %(topic)s, %(epoch)s, %(partition)s, %(start)s, %(end)s, %(records)s, %(non_records)s,
        %(lost)s)

-- name: ingest_lateness
select max(business_date) as latest_close, max(business_date) - %(grace_days)s::integer as held_before
from day_close
having max(business_date) is not null

-- name: fact_hold
insert into fact_admission (source, event_id, event_type, case_id, dirty_from, ingest_seq, held_because)
values (%(source)s, %(event_id)s, %(event_type)s, %(case_id)s, %(dirty_from)s, %(seq)s, %(because)s)

-- name: ingest_dates_insert
insert into ingest_dates (ingest_seq, dirty_from, facts, late) values (%(seq)s, %(dirty_from)s, %(facts)s, %(late)s)

-- name: ingest_rejected_dates_insert
insert into ingest_rejected_dates (ingest_seq, effective_date, records)
values (%(seq)s, %(effective_date)s, %(records)s)

-- name: conflict_insert
insert into event_conflict (topic, epoch, kafka_partition, kafka_offset, source, event_id, event_type, case_id,
                            effective_date, recorded_date, emitted_at, content_digest, ingest_seq)
values (%(topic)s, %(epoch)s, %(kafka_partition)s, %(kafka_offset)s, %(source)s, %(event_id)s, %(event_type)s,
        %(case_id)s, %(effective_date)s, %(recorded_date)s, %(emitted_at)s, %(content_digest)s, %(seq)s)

-- name: conflict_settle
update event_conflict
set state = 'SETTLED', settled_seq = %(seq)s, decided_at = clock_timestamp(), decided_by = 'casegold',
    reason = 'corrected'
where source = %(source)s and event_id = %(event_id)s and state = 'OPEN'

-- name: conflict_known
select c.source, c.event_id, c.content_digest
from unnest(%(sources)s::text[], %(ids)s::text[]) as asked (source, event_id)
join event_conflict c using (source, event_id)
where c.ingest_seq < %(seq)s

-- name: epoch_current
select epoch, cluster_id, topic_id from source_epoch where topic = %(topic)s order by epoch desc limit 1

-- name: epoch_first
insert into source_epoch (topic, epoch, cluster_id, topic_id, reason)
select %(topic)s, 1, %(cluster_id)s, %(topic_id)s, 'first seen'
where not exists (select from source_epoch where topic = %(topic)s)

-- name: positions
select kafka_partition, position, extract(epoch from clock_timestamp() - updated_at)::float8 as seconds_ago
from source_position
where consumer = %(consumer)s and topic = %(topic)s and epoch = %(epoch)s
order by kafka_partition

-- name: position_advance
insert into source_position (consumer, topic, epoch, kafka_partition, position)
values (%(consumer)s, %(topic)s, %(epoch)s, %(partition)s, %(position)s)
on conflict (consumer, topic, epoch, kafka_partition)
do update set position = greatest(source_position.position, excluded.position), updated_at = clock_timestamp()

-- name: trigger_claim
insert into trigger_ledger (source, event_id, event_type, topic_id, kafka_partition, kafka_offset, decision)
values (%(source)s, %(event_id)s, %(event_type)s, %(topic_id)s, %(partition)s, %(offset)s, %(decision)s)
on conflict (source, event_id)
do update set duplicates = trigger_ledger.duplicates + 1, last_duplicate_at = clock_timestamp()
returning duplicates = 0 as first

-- name: letters_owe
insert into effect_ledger (operation, target, request_id, state) values ('dead-letters', %(topic)s, %(seq)s, 'REQUESTED')
on conflict do nothing

-- name: letters_owed
select request_id from effect_ledger
where operation = 'dead-letters' and target = %(topic)s and state = 'REQUESTED'
order by request_id::bigint

-- name: letters_done
update effect_ledger
set state = 'DONE', ended_at = clock_timestamp(), response = jsonb_build_object('letters', %(letters)s::bigint)
where operation = 'dead-letters' and target = %(topic)s and request_id = %(seq)s

-- name: list_facts
select source, event_id, event_type, case_id, dirty_from, ingest_seq, state, held_because, held_at, admitted_seq,
       decided_at, decided_by, reason, backfill_run_id, count(*) over () as total
from casegold.fact_admission
where (%(event_id)s::text is null or event_id = %(event_id)s) and (%(event_id)s::text is not null or state = 'HELD')
order by dirty_from, source, event_id
limit %(limit)s

-- name: position_first
insert into source_position (consumer, topic, epoch, kafka_partition, position)
values (%(consumer)s, %(topic)s, %(epoch)s, %(partition)s, %(position)s)
on conflict do nothing

-- name: loss_accepted
select kafka_partition, start_offset, end_offset from source_loss where topic = %(topic)s and epoch = %(epoch)s

-- name: epoch_accept
insert into source_epoch (topic, epoch, cluster_id, topic_id, reason)
select topic, max(epoch) + 1, %(cluster_id)s, %(topic_id)s, %(reason)s
from source_epoch where topic = %(topic)s
group by topic
returning epoch

-- name: positions_beyond
-- Positions beyond the end of the log: it was truncated.
select p.consumer, p.kafka_partition, p.position
from source_position p
left join unnest(%(partitions)s::integer[], %(ends)s::bigint[]) as e (kafka_partition, log_end) using (kafka_partition)
where p.topic = %(topic)s and p.epoch = %(epoch)s and p.position > coalesce(e.log_end, 0)
limit 1

-- name: loss_accept
insert into source_loss (topic, epoch, kafka_partition, start_offset, end_offset, reason)
values (%(topic)s, %(epoch)s, %(partition)s, %(start)s, %(end)s, %(reason)s)
on conflict (topic, epoch, kafka_partition, start_offset) do update set end_offset = excluded.end_offset,
    accepted_at = clock_timestamp(), accepted_by = session_user, reason = excluded.reason

-- name: totals_known
select t.source, t.business_date, t.event_type, t.revision, t.count, t.as_of
from unnest(%(sources)s::text[], %(dates)s::date[], %(types)s::text[], %(revisions)s::bigint[])
    as asked (source, business_date, event_type, revision)
join control_total t using (source, business_date, event_type, revision)

-- name: totals_insert
insert into control_total (source, business_date, event_type, revision, count, as_of, totals_seq)
select source, business_date, event_type, revision, count, as_of, %(seq)s
from unnest(%(sources)s::text[], %(dates)s::date[], %(types)s::text[], %(revisions)s::bigint[],
            %(counts)s::bigint[], %(as_of)s::timestamptz[])
    as brought (source, business_date, event_type, revision, count, as_of)

-- name: written_to_table
-- What a table must contain by the ledger: the highest sequence number appended to it, and the highest official version.
-- Rows are appended before the ledger records them, so a table is never behind it. An admission takes its number with an
-- empty commit to bronze; rejected totals are appended only if there are any.
select
    (select coalesce(max(seq), 0) from ingest_commit
     where dataset = %(claim)s
       and (kind = 'INGEST' or %(table)s = 'bronze/case_events')
       and (conflicts + rejected > 0 or %(table)s <> 'bronze/rejected_totals')) as seq,
    (select coalesce(max(version), 0) from dataset_version
     where dataset = %(table)s and state = 'COMPLETED') as version

-- name: admission_commit
insert into ingest_commit (dataset, seq, kind, run_id, attempt)
values ('silver/case_events', %(seq)s, 'ADMISSION', %(run_id)s, %(attempt)s)

-- name: admission_admit
update fact_admission f
set state = 'ADMITTED', admitted_seq = %(seq)s, backfill_run_id = %(backfill_run_id)s
from unnest(%(sources)s::text[], %(ids)s::text[]) as chosen (source, event_id)
where f.source = chosen.source and f.event_id = chosen.event_id
