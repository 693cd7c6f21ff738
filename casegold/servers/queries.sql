-- name: schemas
-- The three schemas of an installation's database: control state, Dagster's storage, the Iceberg catalog.
create schema if not exists casegold;
create schema if not exists dagster;
create schema if not exists iceberg;

-- name: demo_progress
select
    (select coalesce(sum(records), 0)::bigint from ingest_commit where dataset = 'silver/case_events') as records,
    (select count(*) from day_close) as closed,
    (select count(*) from partition_state where dataset = 'gold/case_daily_snapshot' and current_version is not null) as snapshots,
    (select count(*) from partition_state where dataset = 'reports/enforcement_report' and current_version is not null) as reports,
    (select count(distinct date_trunc('month', business_date)) from day_close
     where business_date = (date_trunc('month', business_date) + interval '1 month - 1 day')::date) as months,
    (select count(*) from outbox_delivery) as announced,
    (select count(*) from outbox o where not exists (select from outbox_delivery d where d.id = o.id)) as unannounced,
    (select count(*) from run_manifest where state in ('HELD', 'FAILED')) as failed,
    -- A run publishes first and then reports each partition to Dagster: until it has ended, the UI shows less.
    (select count(*) from dagster.runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')) as executing

-- name: demo_artifacts
select a.uri
from version_artifact a
join partition_state s on s.dataset = a.dataset and s.partition_key = a.partition_key and s.current_version = a.version
order by a.partition_key, a.name

-- name: platform_login
-- The login that runs the platform: no superuser, and owner only of the tables that Dagster creates.
do $$
begin
    if not exists (select from pg_roles where rolname = 'casegold_runtime') then
        create role casegold_runtime nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'casegold_platform') then
        create role casegold_platform;
    end if;
    alter role casegold_platform login nosuperuser nocreaterole nocreatedb nobypassrls noreplication password {verifier};
    grant casegold_runtime, pg_use_reserved_connections to casegold_platform;
end $$

-- name: separation
select (select rolsuper from pg_roles where rolname = current_user) as superuser,
       coalesce(pg_has_role(r.oid, c.relowner, 'MEMBER'), false) as is_owner,
       coalesce(pg_has_role(r.oid, 'casegold_runtime', 'USAGE'), false) as may_run
from pg_class c left join pg_roles r on r.rolname = %(platform)s
where c.oid = 'casegold.alembic_version'::regclass

-- name: lockdown
-- Revokes functions that PostgreSQL lets everybody call: large objects, which can fill the disk, and advisory locks,
-- with which any login could block the platform for any time. Only a superuser may revoke them.
do $$
declare
    thing record;
begin
    for thing in
        select p.oid::regprocedure as name, p.proname like 'pg\_%' as locks
        from pg_proc p
        where p.pronamespace = 'pg_catalog'::regnamespace
          and p.proname ~ '^(lo_|lowrite$|loread$|pg_(try_)?advisory_)'
    loop
        execute format('revoke execute on function %s from public', thing.name);
        if thing.locks then
            execute format('grant execute on function %s to casegold_runtime', thing.name);
        end if;
    end loop;
end $$
