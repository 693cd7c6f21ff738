-- Each time that official figures were made again from what is recorded with them, and whether they came out the same.
create table verification (
    verification_id   bigint generated always as identity primary key,
    dataset           text not null,
    version           bigint not null,
    partition_key     date not null,
    outcome           text not null check (outcome in ('VERIFIED', 'DIFFERENT', 'UNVERIFIABLE')),
    reason            text not null,
    recorded_digest   text not null,
    stored_digest     text,
    computed_digest   text,
    transform_version text not null,
    asked_by          text not null,
    verified_at       timestamptz not null default clock_timestamp(),
    foreign key (dataset, version, partition_key) references version_partition,
    check ((outcome = 'VERIFIED') = (reason = '')),
    check (outcome <> 'VERIFIED' or (recorded_digest = stored_digest and recorded_digest = computed_digest))
);
create index verification_of_version on verification (dataset, partition_key, version, verification_id desc);
create trigger verification_is_insert_only before update or delete on verification
    for each row execute function refuse_change();
comment on table verification is 'Official partitions computed again from recorded inputs by recorded rules: recorded, stored and computed digest.';
comment on column verification.transform_version is 'Of the code that verified; what the version was made by, its manifest says.';
grant select on verification to casegold_people;
