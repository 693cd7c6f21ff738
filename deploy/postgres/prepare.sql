-- For a PostgreSQL server (16 or later) of your own. A superuser runs it once, before the first `casegold up`:
--   psql -d casegold -v owner=casegold_owner -v platform=casegold_platform -f prepare.sql
-- Then give both logins passwords (\password casegold_owner), run `casegold up`, and let the superuser run seal.sql.
-- An installation that ran under one login until now: that login is the owner, and needs a second one beside it.
\set ON_ERROR_STOP on
begin;

select format('create role %I login', name) from unnest(array[:'owner', :'platform']) name
where not exists (select from pg_roles where rolname = name) \gexec
select format('create role %I nologin', name) from unnest(array['casegold_runtime', 'casegold_audit']) name
where not exists (select from pg_roles where rolname = name) \gexec

alter role :"owner" nosuperuser createrole;
alter role :"platform" nosuperuser nocreaterole nocreatedb nobypassrls noreplication;
select format('grant create on database %I to %I', current_database(), :'owner') \gexec

-- The owner hands rights to the platform's login, ends the sessions of people it removes, and hands the audit trail to
-- casegold_audit: seal.sql takes that back.
grant casegold_runtime to :"owner" with admin true, inherit false, set true;
grant pg_signal_backend to :"owner";
-- `casegold backup` dumps all schemas as the owner.
grant pg_read_all_data to :"owner";
grant casegold_audit to :"owner" with admin false, inherit false, set true;
grant casegold_runtime to :"platform";
grant pg_use_reserved_connections to :"platform";

-- What everybody may do and nobody here needs: large objects, which fill the disk, and advisory locks, by which any login
-- could stop the platform for as long as it likes.
select format('revoke execute on function %s from public', p.oid::regprocedure) from pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^(lo_|lowrite$|loread$|pg_(try_)?advisory_)' \gexec
select format('grant execute on function %s to casegold_runtime, %I', p.oid::regprocedure, :'owner') from pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^pg_(try_)?advisory_' \gexec

-- By this `casegold user check` sees who has changed his password.
grant select (rolname, rolpassword) on pg_authid to :"owner";
commit;
