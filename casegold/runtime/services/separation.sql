select (select rolsuper from pg_roles where rolname = current_user) as superuser,
       coalesce(pg_has_role(r.oid, c.relowner, 'MEMBER'), false) as is_owner,
       coalesce(pg_has_role(r.oid, 'casegold_runtime', 'USAGE'), false) as may_run
from pg_class c left join pg_roles r on r.rolname = %(platform)s
where c.oid = 'casegold.alembic_version'::regclass
