-- Each time that this database was made from a backup. Versions after the backup are lost, but consumers have heard of
-- them: their numbers are never given again.
create table restoration (
    restoration_id bigint generated always as identity primary key,
    taken_at       timestamptz not null,
    restored_at    timestamptz not null default clock_timestamp(),
    restored_by    text not null default session_user,
    last_number    bigint not null check (last_number >= 0),
    numbers_above  bigint not null,
    check (restored_at >= taken_at),
    -- No dataset publishes ten versions a second: what the lost installation numbered since lies below. Not rounded up:
    -- the same has to hold for what was published after an earlier restore of the same backup.
    check (numbers_above >= last_number + 10 * extract(epoch from restored_at - taken_at))
);
comment on table restoration is 'Backups that became this database. Every dataset''s next version has a number above numbers_above.';
comment on column restoration.last_number is 'The highest number of a version in the backup, of all datasets.';

create function highest_number(of_dataset text) returns bigint
language sql stable set search_path = casegold, pg_temp as $$
    select greatest(
        coalesce((select max(version) from dataset_version where dataset = of_dataset), 0),
        coalesce((select max(numbers_above) from restoration), 0))
$$;
comment on function highest_number is 'The number after which the next version of a dataset is numbered.';
revoke execute on function highest_number(text) from public;

-- Whether program and database fit, people's commands ask as well.
grant select on alembic_version to casegold_people;
grant execute on function highest_number(text) to casegold_runtime;
-- `casegold relay --again` forgets what a lost topic had.
grant delete on outbox_delivery to casegold_runtime;

-- Restorations are part of the audit trail, which restoring shortens: heads that were announced between a backup and its
-- restore are void, and this says so.
do $$
declare
    owner regrole := (select relowner from pg_class where oid = 'casegold.alembic_version'::regclass);
begin
    alter table restoration owner to casegold_audit;
    set local role casegold_audit;
    insert into audit_source (source, keys) values ('restoration', '{restoration_id}');
    create constraint trigger audit_is_chained after insert or update or delete on restoration
        deferrable initially deferred for each row execute function audit_chained();
    create trigger restoration_is_insert_only before update or delete on restoration
        for each row execute function refuse_change();
    create trigger restoration_is_not_emptied before truncate on restoration
        for each statement execute function refuse_change();
    alter table restoration enable always trigger audit_is_chained;
    alter table restoration enable always trigger restoration_is_insert_only;
    alter table restoration enable always trigger restoration_is_not_emptied;
    execute format('grant select on restoration to casegold_runtime, %s', owner);
    reset role;
end $$;
