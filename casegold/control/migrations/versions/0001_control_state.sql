-- Control state of the platform: manifests, ledgers, versions. Keys and check constraints state the invariants;
-- the program relies on them and never repeats them. All instants are timestamptz, all dates business dates.

create domain exit_class as smallint check (value in (0, 10, 20, 30, 40, 50));
create domain run_mode as text check (value in ('NORMAL', 'BACKFILL', 'REPLAY', 'SHADOW'));
create domain sha256_hex as text check (value ~ '^[0-9a-f]{64}$');
-- Half of a partition digest: an unsigned 64-bit word, which no integer type of Postgres holds.
create domain digest_word as numeric(20) check (value >= 0 and value < 18446744073709551616);

-- ---------------------------------------------------------------- installation

create table setting (
    key        text primary key,
    value      jsonb not null,
    reason     text,
    changed_at timestamptz not null default clock_timestamp(),
    changed_by text not null default session_user
);
comment on table setting is 'Facts of the installation: business_time_zone, business_clock.';

create table setting_history (like setting, replaced_at timestamptz not null default clock_timestamp());
create function keep_setting() returns trigger language plpgsql as $$
begin
    insert into setting_history (key, value, reason, changed_at, changed_by)
    values (old.key, old.value, old.reason, old.changed_at, old.changed_by);
    return new;
end $$;
create trigger setting_is_kept before update on setting for each row execute function keep_setting();

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is insert-only', tg_table_name using errcode = 'restrict_violation';
end $$;

-- ---------------------------------------------------------------- runs

create table run_manifest (
    run_id            sha256_hex primary key,
    pipeline          text not null check (pipeline in ('ingest', 'totals', 'admission', 'snapshot', 'report', 'republish', 'maintenance', 'replay', 'shadow')),
    dataset           text not null,
    scope             jsonb not null,
    transform_version text not null,
    mode              run_mode not null default 'NORMAL',
    parameters        jsonb not null default '{}',
    partition_from    date,
    partition_to      date,
    requested_by      text not null,
    requested_at      timestamptz not null default clock_timestamp(),
    caused_by         jsonb not null default '[]',
    state             text not null default 'OPEN'
                      check (state in ('OPEN', 'SUCCEEDED', 'HELD', 'FAILED', 'CANCELLED', 'SUPERSEDED')),
    ended_at          timestamptz,
    outcome           jsonb,
    check ((partition_from is null) = (partition_to is null)),
    check (partition_from <= partition_to),
    check ((state = 'OPEN') = (ended_at is null))
);
comment on column run_manifest.run_id is 'SHA-256 of pipeline, scope, transform version, mode, parameters';
-- At most one piece of work is open per dataset and mode: what is in flight, is in flight alone.
create unique index one_open_manifest on run_manifest (dataset, mode) where state = 'OPEN';
create index run_manifest_by_time on run_manifest (requested_at desc);
create index run_manifest_by_range on run_manifest (dataset, partition_from) where partition_from is not null;
create index run_manifest_by_backfill on run_manifest ((parameters ->> 'backfill_run_id')) where mode <> 'NORMAL';

create table run_attempt (
    run_id       sha256_hex not null references run_manifest,
    attempt      integer not null check (attempt >= 1),
    state        text not null default 'REQUESTED'
                 check (state in ('REQUESTED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'LAUNCH_FAILED', 'DEFERRED', 'CANCELLED', 'LOST')),
    token        uuid not null default gen_random_uuid(),
    launcher_ref text,
    requested_by text not null,
    requested_at timestamptz not null default clock_timestamp(),
    not_before   timestamptz not null default clock_timestamp(),
    started_at   timestamptz,
    heartbeat_at timestamptz,
    ended_at     timestamptz,
    exit_class   exit_class,
    message      text,
    primary key (run_id, attempt),
    check ((state in ('REQUESTED', 'RUNNING')) = (ended_at is null)),
    check ((state = 'REQUESTED') <= (started_at is null)),
    check ((state in ('SUCCEEDED', 'FAILED', 'DEFERRED')) <= (exit_class is not null))
);
create unique index one_live_attempt on run_attempt (run_id) where state in ('REQUESTED', 'RUNNING');

create table run_decision (
    decision_id   bigint generated always as identity primary key,
    run_id        sha256_hex not null references run_manifest,
    decision      text not null check (decision in ('RETRY', 'CANCEL')),
    after_attempt integer not null check (after_attempt >= 0),
    person        text not null check (length(btrim(person)) > 0),
    reason        text not null check (length(btrim(reason)) > 0),
    decided_at    timestamptz not null default clock_timestamp()
);
comment on table run_decision is 'What people decided about a run. Attempts up to after_attempt lie before the decision.';
create index run_decision_by_run on run_decision (run_id);
create trigger run_decision_is_insert_only before update or delete on run_decision
    for each row execute function refuse_change();

create table dataset_claim (
    dataset      text primary key,
    run_id       sha256_hex not null,
    attempt      integer not null,
    token        uuid not null,
    claimed_at   timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp(),
    foreign key (run_id, attempt) references run_attempt
);
comment on table dataset_claim is 'One writer per dataset: the row is the claim, the token its proof.';

create table trigger_ledger (
    source            text not null,
    event_id          text not null,
    event_type        text not null,
    received_at       timestamptz not null default clock_timestamp(),
    topic_id          text,
    kafka_partition   integer,
    kafka_offset      bigint,
    decision          text not null check (decision in ('WOKE_PLANNER', 'REQUESTED_RUN', 'REQUESTED_BACKFILL', 'IGNORED')),
    run_id            sha256_hex references run_manifest,
    duplicates        integer not null default 0 check (duplicates >= 0),
    last_duplicate_at timestamptz,
    primary key (source, event_id)
);
comment on table trigger_ledger is 'One row per event that started or woke something; a duplicate finds its row and is counted there.';

-- ---------------------------------------------------------------- sources and ingest

create table source_epoch (
    topic       text not null,
    epoch       integer not null check (epoch >= 1),
    cluster_id  text not null,
    topic_id    text not null,
    accepted_at timestamptz not null default clock_timestamp(),
    accepted_by text not null default session_user,
    reason      text not null,
    primary key (topic, epoch)
);
comment on table source_epoch is 'The lives of a topic. Epoch 1 is taken as found; each later one was accepted by a person, with a reason.';

create table source_position (
    consumer        text not null,
    topic           text not null,
    epoch           integer not null,
    kafka_partition integer not null check (kafka_partition >= 0),
    position        bigint not null check (position >= 0),
    updated_at      timestamptz not null default clock_timestamp(),
    primary key (consumer, topic, epoch, kafka_partition),
    foreign key (topic, epoch) references source_epoch
);
comment on table source_position is 'The next offset that a consumer has not made durable.';
create function position_only_grows() returns trigger language plpgsql as $$
begin
    if new.position < old.position then
        raise exception 'position of % on %/% would fall from % to %', old.consumer, old.topic, old.kafka_partition,
            old.position, new.position using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger source_position_grows before update on source_position
    for each row execute function position_only_grows();

create table source_loss (
    topic           text not null,
    epoch           integer not null,
    kafka_partition integer not null,
    start_offset    bigint not null check (start_offset >= 0),
    end_offset      bigint not null,
    accepted_at     timestamptz not null default clock_timestamp(),
    accepted_by     text not null default session_user,
    reason          text not null check (length(btrim(reason)) > 0),
    primary key (topic, epoch, kafka_partition, start_offset),
    foreign key (topic, epoch) references source_epoch,
    check (end_offset > start_offset)
);
comment on table source_loss is 'Offsets that Kafka deleted before they were read. Ingest stops until a person has accepted the loss.';

create table ingest_commit (
    dataset      text not null check (dataset in ('silver/case_events', 'bronze/control_totals')),
    seq          bigint not null check (seq >= 1),
    kind         text not null check (kind in ('INGEST', 'ADMISSION')),
    run_id       sha256_hex not null references run_manifest,
    attempt      integer,
    snapshot_id  bigint,
    committed_at timestamptz not null default clock_timestamp(),
    records      bigint not null default 0 check (records >= 0),
    accepted     bigint not null default 0 check (accepted >= 0),
    duplicates   bigint not null default 0 check (duplicates >= 0),
    conflicts    bigint not null default 0 check (conflicts >= 0),
    rejected     bigint not null default 0 check (rejected >= 0),
    rejected_by_reason jsonb not null default '{}',
    primary key (dataset, seq),
    -- Nothing is lost between bronze and silver.
    check (records = accepted + duplicates + conflicts + rejected),
    -- An admission brings no rows of its own: those it lets count are in the lake under older numbers.
    check (kind = 'INGEST' or (records = 0 and snapshot_id is null))
);
comment on table ingest_commit is 'One row per number: a serial commit of silver (or of control totals), or an approval that admitted held facts.';

create table ingest_source_range (
    dataset         text not null,
    seq             bigint not null,
    topic           text not null,
    epoch           integer not null,
    kafka_partition integer not null,
    start_offset    bigint not null check (start_offset >= 0),
    end_offset      bigint not null,
    records         bigint not null check (records >= 0),
    non_records     bigint not null check (non_records >= 0),
    lost            bigint not null default 0 check (lost >= 0),
    primary key (dataset, topic, epoch, kafka_partition, start_offset),
    foreign key (dataset, seq) references ingest_commit,
    foreign key (topic, epoch) references source_epoch,
    check (end_offset > start_offset),
    -- Nothing is lost between Kafka and bronze: an offset is a record, a gap that Kafka explains, or red.
    check (end_offset - start_offset = records + non_records + lost)
);
create index ingest_source_range_by_seq on ingest_source_range (dataset, seq);

create table ingest_dates (
    ingest_seq bigint not null,
    dataset    text not null default 'silver/case_events' check (dataset = 'silver/case_events'),
    dirty_from date not null,
    facts      bigint not null check (facts > 0),
    late       bigint not null default 0 check (late between 0 and facts),
    primary key (ingest_seq, dirty_from),
    foreign key (dataset, ingest_seq) references ingest_commit (dataset, seq)
);
comment on table ingest_dates is 'From which date on the admitted facts of a sequence number change figures. Held facts are not in it.';
create index ingest_dates_by_date on ingest_dates (dirty_from, ingest_seq);

create table fact_admission (
    source       text not null,
    event_id     text not null,
    event_type   text not null,
    case_id      text not null,
    dirty_from   date not null,
    ingest_seq   bigint not null,
    dataset      text not null default 'silver/case_events' check (dataset = 'silver/case_events'),
    state        text not null default 'HELD' check (state in ('HELD', 'ADMITTED', 'REJECTED')),
    held_because text not null,
    held_at      timestamptz not null default clock_timestamp(),
    admitted_seq bigint,
    decided_at   timestamptz,
    decided_by   text,
    reason       text,
    primary key (source, event_id),
    foreign key (dataset, ingest_seq) references ingest_commit (dataset, seq),
    foreign key (dataset, admitted_seq) references ingest_commit (dataset, seq),
    check ((state = 'ADMITTED') = (admitted_seq is not null)),
    check ((state = 'HELD') = (decided_at is null)),
    check ((decided_at is null) = (decided_by is null)),
    check (admitted_seq > ingest_seq)
);
comment on table fact_admission is 'Held facts and what was decided about them. A fact without a row counts from its ingest sequence on.';
create index fact_admission_held on fact_admission (dirty_from) where state = 'HELD';

create table event_conflict (
    topic           text not null,
    epoch           integer not null,
    kafka_partition integer not null,
    kafka_offset    bigint not null,
    source          text not null,
    event_id        text not null,
    event_type      text not null,
    case_id         text not null,
    effective_date  date not null,
    recorded_date   date not null,
    emitted_at      timestamptz not null,
    content_digest  sha256_hex not null,
    ingest_seq      bigint not null,
    state           text not null default 'OPEN' check (state in ('OPEN', 'DISMISSED', 'SETTLED')),
    settled_seq     bigint,
    decided_at      timestamptz,
    decided_by      text,
    reason          text,
    primary key (topic, epoch, kafka_partition, kafka_offset),
    -- The same conflicting record again is a duplicate, not another conflict.
    unique (source, event_id, content_digest),
    check ((state = 'OPEN') = (decided_at is null))
);
comment on table event_conflict is 'A second record of a known event id with other content. The first stays in force; effective_date is this one''s, recorded_date the first one''s.';
create index event_conflict_open on event_conflict (effective_date) where state = 'OPEN';

create table control_total (
    source        text not null,
    business_date date not null,
    event_type    text not null,
    count         bigint not null check (count >= 0),
    as_of         timestamptz not null,
    revision      bigint not null check (revision >= 1),
    totals_seq    bigint not null,
    dataset       text not null default 'bronze/control_totals' check (dataset = 'bronze/control_totals'),
    primary key (business_date, source, event_type, revision),
    foreign key (dataset, totals_seq) references ingest_commit (dataset, seq)
);
comment on table control_total is 'What a source says it sent. A mirror of bronze.control_totals, small enough for planner and gate to ask here.';
create index control_total_by_seq on control_total (totals_seq);

-- ---------------------------------------------------------------- day close

create table day_barrier (
    business_date date primary key,
    barrier       jsonb not null,
    signals       jsonb not null,
    read_at       timestamptz not null default clock_timestamp()
);
comment on table day_barrier is 'End offsets read after every signal of the date had arrived: [{topic, epoch, partition, offset}].';

create table day_close (
    business_date date primary key,
    previous_date date unique references day_close,
    closed_at     timestamptz not null default clock_timestamp(),
    barrier       jsonb not null,
    signals       jsonb not null,
    close_seq     bigint not null check (close_seq >= 0),
    totals_seq    bigint not null check (totals_seq >= 0),
    closed_by     text not null default 'casegold',
    reason        text,
    check (previous_date = business_date - 1)
);
comment on table day_close is 'Dates that are over, complete up to their barrier, and official from here on. Dates close in order, without gaps.';
create unique index one_first_close on day_close ((previous_date is null)) where previous_date is null;
create trigger day_close_is_final before update or delete on day_close for each row execute function refuse_change();

-- ---------------------------------------------------------------- dataset versions

create table dataset_version (
    dataset            text not null,
    version            bigint not null check (version >= 1),
    state              text not null default 'PREPARED' check (state in ('PREPARED', 'ABANDONING', 'COMPLETED', 'ABANDONED')),
    run_id             sha256_hex not null,
    attempt            integer not null,
    token              uuid not null,
    mode               run_mode not null default 'NORMAL',
    base_snapshot_id   bigint not null,
    staged_branch      text not null,
    staged_snapshot_id bigint not null,
    snapshot_id        bigint,
    quality_status     text not null check (quality_status in ('PASSED', 'WAIVED')),
    publication        text not null check (publication in ('PROVISIONAL', 'OFFICIAL')),
    transform_version  text not null,
    contract_version   text not null,
    supersedes         bigint,
    republished_from   bigint,
    caused_by          jsonb not null default '[]',
    seen               jsonb not null,
    prepared_at        timestamptz not null default clock_timestamp(),
    completed_at       timestamptz,
    reason             text,
    primary key (dataset, version),
    foreign key (run_id, attempt) references run_attempt,
    foreign key (dataset, supersedes) references dataset_version,
    foreign key (dataset, republished_from) references dataset_version,
    check ((state = 'COMPLETED') = (snapshot_id is not null)),
    check ((state = 'COMPLETED') = (completed_at is not null)),
    check (supersedes < version),
    check (republished_from < version)
);
comment on column dataset_version.seen is 'What completing it writes into partition_state, for the whole judged range: kept here so that whoever finds the commit can complete it.';
-- The commit protocol rests on this: an undecided version is decided before the next one is prepared.
create unique index one_undecided_version on dataset_version (dataset) where state in ('PREPARED', 'ABANDONING');
create index dataset_version_by_run on dataset_version (run_id);

create table version_partition (
    dataset         text not null,
    version         bigint not null,
    partition_key   date not null,
    row_count       bigint not null check (row_count >= 0),
    digest_high     digest_word not null,
    digest_low      digest_word not null,
    previous_version bigint,
    primary key (dataset, version, partition_key),
    foreign key (dataset, version) references dataset_version,
    check (previous_version < version)
);
create index version_partition_by_key on version_partition (dataset, partition_key, version desc);

create table version_input (
    dataset         text not null,
    version         bigint not null,
    partition_key   date not null,
    input_dataset   text not null,
    input_partition date not null,
    input_version   bigint not null,
    primary key (dataset, version, partition_key, input_dataset, input_partition),
    foreign key (dataset, version, partition_key) references version_partition
);
comment on table version_input is 'Of which versions a published partition was made. For silver/case_events and bronze/control_totals the version is the pinned sequence.';
create index version_input_impact on version_input (input_dataset, input_partition, input_version);

create function made_with(of_dataset text, of_partition date, of_version bigint)
returns table (dataset text, partition_key date, version bigint)
language sql stable as $$
    select i.dataset, i.partition_key, i.version
    from version_input i
    where i.input_dataset = of_dataset and i.input_partition = of_partition and i.input_version = of_version
    union all
    select p.dataset, p.partition_key, p.version
    from run_manifest m
    join dataset_version v on v.run_id = m.run_id and v.dataset = m.dataset
    join version_partition p on p.dataset = v.dataset and p.version = v.version
    where m.dataset = of_dataset and m.partition_from = of_partition + 1
      and (m.scope ->> 'previous_version')::bigint = of_version
$$;
comment on function made_with is 'What was made from a published partition: what names it as an input, and the range that carries its rows on.';

create table version_file (
    dataset       text not null,
    version       bigint not null,
    partition_key date not null,
    file_path     text not null,
    record_count  bigint not null check (record_count >= 0),
    file_bytes    bigint not null check (file_bytes > 0),
    digest_high   digest_word not null,
    digest_low    digest_word not null,
    hash_from     bigint not null,
    hash_to       bigint not null,
    primary key (dataset, version, file_path),
    foreign key (dataset, version, partition_key) references version_partition,
    check (hash_from < hash_to)
);
comment on table version_file is 'Files of every version, as read back from its committed snapshot: a version is readable after its snapshot expired.';
create index version_file_by_partition on version_file (dataset, partition_key, version);
create index version_file_by_path on version_file (file_path);

create table staged_chunk (
    run_id    sha256_hex not null,
    first_key date not null,
    last_key  date not null,
    attempt   integer not null,
    files     jsonb not null check (jsonb_typeof(files) = 'array'),
    figures   jsonb not null check (jsonb_typeof(figures) = 'object'),
    staged_at timestamptz not null default clock_timestamp(),
    primary key (run_id, first_key),
    foreign key (run_id, attempt) references run_attempt,
    check (first_key <= last_key)
);
comment on table staged_chunk is 'Files that an open run has staged; its next attempt stages the rest. Forgotten when the run ends.';

create function forget_staged_chunks() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
begin
    delete from staged_chunk where run_id = new.run_id;
    return null;
end $$;
create trigger run_manifest_end_forgets_chunks after update on run_manifest
    for each row when (old.state = 'OPEN' and new.state <> 'OPEN') execute function forget_staged_chunks();

create table version_artifact (
    dataset       text not null,
    version       bigint not null,
    partition_key date not null,
    name          text not null,
    media_type    text not null,
    uri           text not null,
    bytes         bigint not null check (bytes >= 0),
    sha256        sha256_hex not null,
    primary key (dataset, version, partition_key, name),
    foreign key (dataset, version, partition_key) references version_partition
);
comment on table version_artifact is 'What a version has beside its rows: the CSV and the page of a report.';

create table partition_state (
    dataset         text not null,
    partition_key   date not null,
    current_version bigint,
    row_count       bigint,
    digest_high     digest_word,
    digest_low      digest_word,
    seen_seq        bigint not null default 0 check (seen_seq >= 0),
    seen_totals_seq bigint not null default 0 check (seen_totals_seq >= 0),
    seen_inputs     sha256_hex,
    seen_transform  text not null,
    seen_contract   text not null,
    pinned          boolean not null default false,
    released        boolean not null default false,
    last_run_id     sha256_hex not null references run_manifest,
    updated_at      timestamptz not null default clock_timestamp(),
    primary key (dataset, partition_key),
    foreign key (dataset, current_version) references dataset_version,
    check ((current_version is null) = (digest_high is null)),
    check ((current_version is null) = (digest_low is null)),
    check ((current_version is null) = (row_count is null)),
    check (not (pinned and released)),
    check (current_version is not null or not (pinned or released))
);
create function seen_only_grows() returns trigger language plpgsql as $$
begin
    if new.seen_seq < old.seen_seq or new.seen_totals_seq < old.seen_totals_seq then
        raise exception '% % has seen facts to % and totals to %, not to % and %', old.dataset, old.partition_key,
            old.seen_seq, old.seen_totals_seq, new.seen_seq, new.seen_totals_seq using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger partition_state_seen_grows before update on partition_state
    for each row execute function seen_only_grows();
comment on table partition_state is 'The official state of a partition: its current version, and up to which sequence (or of which inputs) it was judged.';
comment on column partition_state.pinned is 'A person made this version official again: it stays until a person releases it.';
comment on column partition_state.released is 'Released from its pin and not judged since: dirty, whatever it has seen.';

-- Checked when a version is prepared, before the lake is touched.
create function pinned_stays() returns trigger language plpgsql as $$
begin
    if exists (select from partition_state s
               where s.dataset = new.dataset and s.partition_key = new.partition_key and s.pinned)
       and not exists (select from dataset_version v
                       where v.dataset = new.dataset and v.version = new.version and v.republished_from is not null) then
        raise exception '% % is pinned', new.dataset, new.partition_key using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger version_partition_respects_pins before insert on version_partition
    for each row execute function pinned_stays();

create view pinned_range as
with placed as (
    select dataset, partition_key, current_version, pinned,
           row_number() over (partition by dataset order by partition_key)
           - row_number() over (partition by dataset, pinned, current_version order by partition_key) as island
    from partition_state
    where current_version is not null
)
select p.dataset, p.current_version as version, min(p.partition_key) as first, max(p.partition_key) as last, v.run_id,
       v.caused_by ->> 0 as reason
from placed p
join dataset_version v on v.dataset = p.dataset and v.version = p.current_version
where p.pinned
group by p.dataset, p.current_version, p.island, v.run_id, v.caused_by;
comment on view pinned_range is 'Published partitions next to each other that are pinned in one version: an open PINNED hold each.';

create table reconciliation (
    dataset       text primary key,
    version       bigint not null check (version >= 0),
    snapshot_id   bigint not null,
    reconciled_at timestamptz not null default clock_timestamp()
);
comment on table reconciliation is 'Up to which version, and at which snapshot, ledger and lake of a dataset were last found to agree: only what is newer is looked at again.';

-- ---------------------------------------------------------------- quality

create table quality_result (
    run_id        sha256_hex not null,
    attempt       integer not null,
    partition_key date not null,
    check_name    text not null,
    required      boolean not null,
    status        text not null check (status in ('PASSED', 'FAILED', 'MISSING', 'WAIVED')),
    failures      bigint not null check (failures >= 0),
    expected      text not null default '',
    actual        text not null default '',
    detail        text not null default '',
    sample        jsonb not null default '[]',
    evaluated_at  timestamptz not null default clock_timestamp(),
    primary key (run_id, attempt, partition_key, check_name),
    foreign key (run_id, attempt) references run_attempt
);

create table hold (
    hold_id        bigint generated always as identity primary key,
    dataset        text not null,
    partition_from date not null,
    partition_to   date not null,
    kind           text not null check (kind in ('GATE', 'PINNED', 'APPROVAL')),
    fingerprint    text not null,
    run_id         sha256_hex references run_manifest,
    reason         text not null,
    opened_at      timestamptz not null default clock_timestamp(),
    released_at    timestamptz,
    released_by    text,
    release_reason text,
    check (partition_from <= partition_to),
    check ((released_at is null) = (released_by is null)),
    check ((released_at is null) = (release_reason is null))
);
create unique index one_open_hold on hold (dataset, kind, partition_from, partition_to) where released_at is null;
create index hold_open on hold (dataset) where released_at is null;

-- The rules of approval, and who signs what, are in 0002: no path can write these columns freely.
create table waiver (
    waiver_id        bigint generated always as identity primary key,
    dataset          text not null,
    partition_from   date not null,
    partition_to     date not null,
    check_name       text not null check (length(check_name) between 1 and 200),
    reason           text not null check (length(btrim(reason)) > 0 and length(reason) <= 2000),
    requested_by     text not null,
    requested_person text not null,
    requested_at     timestamptz not null,
    approved_by      text,
    approved_person  text,
    approved_at      timestamptz,
    check (partition_from <= partition_to),
    check (partition_from >= date '0001-01-01' and partition_to <= date '9999-12-31'),
    check ((approved_by is null) = (approved_at is null)),
    check ((approved_by is null) = (approved_person is null)),
    check (approved_by <> requested_by),
    check (approved_person <> requested_person)
);

create table waiver_audit (
    audit_id         bigint generated always as identity primary key,
    waiver_id        bigint references waiver,
    step             text not null,
    detail           jsonb not null default '{}',
    actor            text not null,
    person           text,
    authenticated_as text,
    at               timestamptz not null
);
comment on table waiver_audit is 'Every step towards a waiver, and every refused attempt: as backfill_audit.';

-- ---------------------------------------------------------------- announce and react

-- The columns of Debezium's outbox event router, so that Debezium can take over from the relay.
create table outbox (
    id            uuid primary key,
    aggregatetype text not null,
    aggregateid   text not null,
    type          text not null,
    payload       jsonb not null,
    -- Order within one aggregate: its rows are written under one claim, hence serially. Not an order over aggregates.
    position      bigint generated always as identity,
    created_at    timestamptz not null default clock_timestamp()
);
create index outbox_by_position on outbox (position);
create trigger outbox_is_insert_only before update or delete on outbox for each row execute function refuse_change();

create table outbox_delivery (
    id              uuid primary key references outbox,
    topic           text not null,
    kafka_partition integer not null,
    kafka_offset    bigint not null,
    delivered_at    timestamptz not null default clock_timestamp()
);

create table inbox (
    consumer        text not null,
    source          text not null,
    event_id        text not null,
    received_at     timestamptz not null default clock_timestamp(),
    duplicates      integer not null default 0,
    primary key (consumer, source, event_id)
);

create table effect_ledger (
    operation    text not null,
    target       text not null,
    request_id   text not null,
    state        text not null check (state in ('REQUESTED', 'DONE', 'FAILED', 'SUPPRESSED')),
    response     jsonb,
    requested_at timestamptz not null default clock_timestamp(),
    ended_at     timestamptz,
    primary key (operation, target, request_id),
    check ((state = 'REQUESTED') = (ended_at is null))
);

create table dlq_replay (
    topic           text not null,
    kafka_partition integer not null,
    kafka_offset    bigint not null,
    replay_id       text not null,
    state           text not null check (state in ('REQUESTED', 'SENT', 'REFUSED')),
    requested_by    text not null default session_user,
    reason          text not null,
    requested_at    timestamptz not null default clock_timestamp(),
    ended_at        timestamptz,
    primary key (topic, kafka_partition, kafka_offset, replay_id)
);

-- ---------------------------------------------------------------- people and their rights

create table person_login (
    login      text primary key check (login ~ '^[a-z][a-z0-9_.-]{1,62}$'),
    -- One spelling only: two rows that look alike to a reader are never two people.
    person     text not null check (person ~ '^[a-z0-9][a-z0-9._@-]{0,99}$'),
    added_at   timestamptz not null default clock_timestamp(),
    added_by   text not null default session_user,
    removed_at timestamptz,
    removed_by text,
    check ((removed_at is null) = (removed_by is null)),
    check (login not in ('casegold', 'dagster-ui'))
);
comment on table person_login is 'Which human uses a login. Rules are about persons: one human with two logins is one pair of eyes.';

create table approval_rule (
    dataset          text not null,
    level            smallint not null check (level between 0 and 2),
    role_name        text not null,
    above_partitions bigint check (above_partitions >= 0),
    to_latest        boolean not null,
    primary key (dataset, level, role_name),
    check ((level = 2) = (above_partitions is not null))
);
comment on table approval_rule is 'From the contracts, by `casegold up`. Level 0 asks, levels 1 and 2 approve; 2 where more published partitions change than above_partitions. to_latest: what changes one partition changes all after it.';

-- ---------------------------------------------------------------- backfills under four eyes

create table backfill_request (
    backfill_run_id  text primary key check (backfill_run_id ~ '^bf_[0-9a-z_]+$'),
    dataset          text not null,
    partition_from   date not null,
    partition_to     date not null,
    mode             run_mode not null check (mode in ('BACKFILL', 'REPLAY', 'SHADOW')),
    reason           text not null check (length(btrim(reason)) > 0 and length(reason) <= 2000),
    state            text not null default 'REQUESTED'
                     check (state in ('REQUESTED', 'PLANNED', 'APPROVED', 'REJECTED', 'EXECUTING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED', 'EXPIRED')),
    note             text check (length(note) <= 2000),
    requested_by     text not null,
    requested_person text,
    requested_at     timestamptz not null,
    expires_at       timestamptz not null default clock_timestamp() + interval '14 days',
    plan             jsonb check (jsonb_typeof(plan) = 'object' and octet_length(plan::text) <= 4000000),
    plan_digest      sha256_hex,
    planned_by       text,
    planned_person   text,
    planned_at       timestamptz,
    unique (backfill_run_id, plan_digest),
    check (partition_from <= partition_to),
    -- What every program of the platform can read as a date; infinity is none.
    check (partition_from >= date '0001-01-01' and partition_to <= date '9999-12-31'),
    check ((plan is null) = (plan_digest is null)),
    check ((plan is null) = (planned_by is null)),
    check ((plan is null) = (planned_person is null)),
    check ((plan is null) = (planned_at is null)),
    check (state not in ('PLANNED', 'APPROVED', 'EXECUTING', 'PAUSED', 'COMPLETED', 'FAILED') or plan is not null)
);
comment on column backfill_request.requested_person is 'Null where the platform asked, which is nobody''s first pair of eyes: the person who plans is.';
comment on column backfill_request.plan_digest is 'SHA-256 of the plan''s text as jsonb prints it; made by the database.';
comment on column backfill_request.note is 'Why the last step was taken.';
-- One open request per range: a level-triggered planner asks again and finds it.
create unique index one_open_backfill on backfill_request (dataset, mode, partition_from, partition_to)
    where state in ('REQUESTED', 'PLANNED', 'APPROVED', 'EXECUTING', 'PAUSED');

create table replay (
    backfill_run_id text primary key references backfill_request,
    uri             text not null,
    events          bigint not null check (events >= 0),
    sent            bigint not null default 0 check (sent between 0 and events),
    updated_at      timestamptz not null default clock_timestamp()
);
comment on table replay is 'The file of the events that a replay sends, row by row, and how many of them are acknowledged.';

create table shadow (
    backfill_run_id text primary key references backfill_request,
    run_id          sha256_hex not null,
    attempt         integer not null,
    dataset         text not null,
    branch          text not null,
    comparison      jsonb not null check (jsonb_typeof(comparison) = 'object'),
    recorded_at     timestamptz not null default clock_timestamp(),
    foreign key (run_id, attempt) references run_attempt
);
comment on column shadow.branch is 'Of the table named in dataset: where engines find the rows while they are kept.';
comment on table shadow is 'Figures that were computed beside the official ones of a dataset, and how they differ: columns, sums, the first rows.';
create index shadow_by_dataset on shadow (dataset, recorded_at);

create table shadow_partition (
    backfill_run_id  text not null references shadow,
    partition_key    date not null,
    row_count        bigint not null check (row_count >= 0),
    digest_high      digest_word not null,
    digest_low       digest_word not null,
    passed           boolean not null,
    dataset          text not null,
    official_version bigint,
    added            bigint not null check (added >= 0),
    removed          bigint not null check (removed >= 0),
    changed          bigint not null check (changed >= 0),
    files            jsonb not null check (jsonb_typeof(files) = 'array'),
    primary key (backfill_run_id, partition_key),
    foreign key (dataset, official_version, partition_key) references version_partition (dataset, version, partition_key)
);
comment on column shadow_partition.official_version is 'What it was compared with; null where nothing was official.';
create trigger shadow_is_insert_only before update or delete on shadow for each row execute function refuse_change();
create trigger shadow_partition_is_insert_only before update or delete on shadow_partition
    for each row execute function refuse_change();

create table backfill_approval (
    backfill_run_id text not null,
    level           smallint not null check (level in (1, 2)),
    login           text not null references person_login,
    person          text not null,
    plan_digest     sha256_hex not null,
    approved_at     timestamptz not null,
    primary key (backfill_run_id, level),
    -- Every level by another person, and of exactly what was planned.
    unique (backfill_run_id, person),
    foreign key (backfill_run_id, plan_digest) references backfill_request (backfill_run_id, plan_digest)
);

create table backfill_audit (
    audit_id         bigint generated always as identity primary key,
    backfill_run_id  text references backfill_request,
    step             text not null,
    detail           jsonb not null default '{}',
    actor            text not null,
    person           text,
    authenticated_as text,
    at               timestamptz not null
);
create index backfill_audit_of_request on backfill_audit (backfill_run_id, audit_id);
comment on table backfill_audit is 'Every step of a request, and every refused attempt. The database signs: session_user, its person, and how the server knew it (system_user).';
