-- Who could change what people decided, or stop the platform, without being asked. Superusers always could.
with the_owner as (
    select r.oid, r.rolname, r.rolsuper from pg_class c join pg_roles r on r.oid = c.relowner
    where c.oid = 'casegold.alembic_version'::regclass
), platform as (
    select r.* from pg_roles r
    where r.rolcanlogin and not r.rolsuper and pg_has_role(r.oid, 'casegold_runtime', 'USAGE')
      and r.oid not in (select oid from the_owner)
), decided as (
    select c.oid, c.relname, c.relowner
    from audit_source s join pg_class c on c.relname = s.source and c.relnamespace = 'casegold'::regnamespace
    union all
    select c.oid, c.relname, c.relowner
    from pg_class c where c.relnamespace = 'casegold'::regnamespace and c.relname in ('audit_link', 'audit_lock', 'audit_source')
), found (problem) as (
    select 'this connection is a superuser''s or the owner''s: ' || session_user
    from pg_roles r where r.rolname = session_user
      and (r.rolsuper or pg_has_role(session_user, (select oid from the_owner), 'MEMBER'))
    union all
    select format('%%s may make roles, databases or pass row security', rolname)
    from platform where rolcreaterole or rolcreatedb or rolbypassrls or rolreplication
    union all
    select format('%%s may become the owner', p.rolname) from platform p, the_owner o where pg_has_role(p.oid, o.oid, 'MEMBER')
    union all
    select format('%%s may become casegold_audit: a superuser runs deploy/postgres/seal.sql', r.rolname)
    from pg_roles r where not r.rolsuper and r.rolcanlogin and pg_has_role(r.oid, 'casegold_audit', 'MEMBER')
    union all
    select 'the schema casegold does not belong to casegold_audit'
    from pg_namespace where nspname = 'casegold' and nspowner <> 'casegold_audit'::regrole
    union all
    select format('%%s does not belong to casegold_audit', relname) from decided where relowner <> 'casegold_audit'::regrole
    union all
    select format('%%s may %%s %%s', p.rolname, lower(priv), d.relname)
    from platform p, decided d, unnest(array['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) priv
    where has_table_privilege(p.oid, d.oid, priv)
    union all
    select format('%%s may insert into %%s', p.rolname, d.relname)
    from platform p, decided d
    where d.relname <> 'run_decision' and has_table_privilege(p.oid, d.oid, 'INSERT')
    union all
    select format('the trigger %%s of %%s is off, or sleeps in replicas', t.tgname, d.relname)
    from decided d join pg_trigger t on t.tgrelid = d.oid
    where not t.tgisinternal and t.tgenabled <> 'A'
    union all
    select format('%%s is not chained', d.relname)
    from decided d join audit_source s on s.source = d.relname
    where not exists (select from pg_trigger t where t.tgrelid = d.oid and t.tgname = 'audit_is_chained')
    union all
    select 'everybody may call ' || p.oid::regprocedure
    from pg_proc p
    where p.oid in ('lo_create(oid)'::regprocedure, 'lo_from_bytea(oid, bytea)'::regprocedure,
                    'pg_advisory_lock(bigint)'::regprocedure, 'pg_advisory_xact_lock(bigint)'::regprocedure)
      and has_function_privilege('casegold_people', p.oid, 'EXECUTE')
)
select count(*) over () as total, problem from found order by problem limit %(limit)s
