-- Runs that mend: silver made again from bronze, and main put back to the recorded files of official versions.
-- Whatever pipelines there are by now stay allowed.
do $$
declare
    known text;
begin
    select pg_get_constraintdef(oid) into strict known from pg_constraint
    where conrelid = 'run_manifest'::regclass and conname = 'run_manifest_pipeline_check';
    alter table run_manifest drop constraint run_manifest_pipeline_check;
    execute 'alter table run_manifest add constraint run_manifest_pipeline_check '
        || replace(known, 'ARRAY[', 'ARRAY[''rebuild''::text, ''repair''::text, ');
end $$;

create table repair (
    repair_id      bigint generated always as identity primary key,
    run_id         sha256_hex not null references run_manifest,
    dataset        text not null,
    partition_key  date not null,
    file_path      text not null,
    action         text not null check (action in ('REMOVED', 'RESTORED', 'RECOMPUTED')),
    record_count   bigint not null check (record_count >= 0),
    bytes_before   bigint not null check (bytes_before > 0),
    bytes_after    bigint check (bytes_after > 0),
    wrong_snapshot bigint,
    wrong_since    timestamptz,
    planned_at     timestamptz not null default clock_timestamp(),
    snapshot_id    bigint,
    mended_at      timestamptz,
    unique (run_id, file_path, action),
    check ((snapshot_id is null) = (mended_at is null)),
    check ((action = 'RECOMPUTED') = (bytes_after is not null))
);
comment on table repair is 'Every file that a repair took from main, put back there, or computed again. Who asked and why, the run says.';
comment on column repair.action is 'REMOVED: on main and of no official version; RESTORED: official and not on main; RECOMPUTED: official and not in the storage.';
comment on column repair.bytes_before is 'As the catalog or the ledger had them; a file computed again holds the same rows and may have other bytes.';
comment on column repair.wrong_snapshot is 'The first kept snapshot of main that had it so; with wrong_since null where it is older than what is kept.';
comment on column repair.snapshot_id is 'The snapshot of main that mended it; null between its commit and this record.';
create index repair_by_partition on repair (dataset, partition_key);

create function mended_once() returns trigger language plpgsql as $$
begin
    -- What was planned may be computed again by another attempt, to other bytes; once mended, nothing changes.
    if old.snapshot_id is not null or (to_jsonb(new) - array['bytes_after', 'snapshot_id', 'mended_at'])
        is distinct from (to_jsonb(old) - array['bytes_after', 'snapshot_id', 'mended_at']) then
        raise exception 'repair is insert-only' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger repair_is_mended_once before update on repair for each row execute function mended_once();
create trigger repair_is_kept before delete on repair for each row execute function refuse_change();
grant select on repair to casegold_people;
grant select, insert, update (bytes_after, snapshot_id, mended_at) on repair to casegold_runtime;
