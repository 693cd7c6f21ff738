-- name: mend
-- Adjusts a restored database before use; psql runs it in the transaction of the restore. :old and :new are the
-- warehouse roots, :taken_at is the instant of the backup, :datasets are the datasets that the present contracts publish
-- as versions, separated by spaces.
set local search_path = casegold, pg_temp;

create function pg_temp.replace_root(location text, old text, new text) returns text
language sql immutable as $$
    select case when starts_with(location, old || '/') then new || substr(location, length(old) + 1) else location end
$$;

create function pg_temp.moved_files(files jsonb, old text, new text) returns jsonb
language sql immutable as $$
    select coalesce(
        jsonb_agg(jsonb_set(file, '{path}', to_jsonb(pg_temp.replace_root(file ->> 'path', old, new))) order by place),
        '[]')
    from jsonb_array_elements(files) with ordinality as each (file, place)
$$;

-- Locations under the new root. Nothing else in these rows changes, so their insert-only trigger is disabled here.
alter table shadow_partition disable trigger shadow_partition_is_insert_only;
update iceberg.iceberg_tables
set metadata_location = pg_temp.replace_root(metadata_location, :'old', :'new'),
    previous_metadata_location = pg_temp.replace_root(previous_metadata_location, :'old', :'new');
update version_file set file_path = pg_temp.replace_root(file_path, :'old', :'new');
update version_artifact set uri = pg_temp.replace_root(uri, :'old', :'new');
update replay set uri = pg_temp.replace_root(uri, :'old', :'new');
update staged_chunk set files = pg_temp.moved_files(files, :'old', :'new');
update shadow_partition set files = pg_temp.moved_files(files, :'old', :'new');
alter table shadow_partition enable trigger shadow_partition_is_insert_only;

-- Consumers may know version numbers from after the backup. New numbers must be above them: no dataset publishes ten
-- versions per second, so ten per second since the backup are enough.
insert into restoration (taken_at, restored_at, last_number, numbers_above)
select :'taken_at'::timestamptz, now_, last, last + ceil(10 * extract(epoch from now_ - :'taken_at'::timestamptz))::bigint
from (select clock_timestamp() as now_, max(highest_number(dataset)) as last
      from (select dataset from dataset_version union select '' as dataset) as every) as known;

-- The same for all other sequences: people refer to waivers and holds by number.
select setval(format('%I.%I', s.schemaname, s.sequencename), coalesce(s.last_value, 0) + r.numbers_above - r.last_number)
from pg_sequences s
cross join (select numbers_above, last_number from restoration order by restoration_id desc limit 1) r
where s.schemaname = 'casegold';

-- Tells consumers that announcements with these numbers are void. An undecided version is either completed as it was,
-- or its run, which is open, publishes the same rows.
insert into outbox (id, aggregatetype, aggregateid, type, payload)
select gen_random_uuid(), 'dataset', d.dataset, 'DatasetHistoryRestored',
       jsonb_build_object(
           'eventType', 'DatasetHistoryRestored', 'datasetId', d.dataset, 'backupTakenAt', r.taken_at,
           'restoredAt', r.restored_at, 'lastVersionNumber', coalesce(v.last, 0),
           'voidFrom', coalesce(v.last, 0) + 1, 'voidTo', r.numbers_above)
from (select dataset from dataset_version union select string_to_table(:'datasets', ' ')) d
cross join (select * from restoration order by restoration_id desc limit 1) r
left join (select dataset, max(version) as last from dataset_version where state <> 'ABANDONED' group by dataset) v
    using (dataset)
order by d.dataset;

-- name: exported
select pg_export_snapshot() as snapshot, clock_timestamp() as taken_at,
       (select pg_get_userbyid(relowner) from pg_class where oid = 'casegold.alembic_version'::regclass) as owner,
       to_regclass('iceberg.iceberg_tables') is not null as has_tables

-- name: tables
select table_namespace || '/' || table_name as dataset, metadata_location
from iceberg.iceberg_tables
where catalog_name = %(catalog)s
order by 1

-- name: replays
select uri from replay

-- name: roles
-- Roles that own objects or have privileges in this database. Role memberships are not part of a database.
select distinct pg_get_userbyid(d.refobjid) as role
from pg_shdepend d
join pg_database b on b.oid = d.dbid
where d.refclassid = 'pg_authid'::regclass and b.datname = current_database()
order by 1
