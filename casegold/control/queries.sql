-- name: ownership
-- Give everything that a superuser created during the migration to the owner, who owns alembic_version.
do $$
declare
    thing record;
    owner regrole := (select relowner from pg_class where oid = 'casegold.alembic_version'::regclass);
begin
    if owner = current_user::regrole then
        return;
    end if;
    for thing in
        select format('table %s', c.oid::regclass) as name
        from pg_class c
        where c.relnamespace in ('casegold'::regnamespace, 'iceberg'::regnamespace) and c.relkind in ('r', 'v')
          and c.relowner = current_user::regrole
        union all
        select format('function %s', p.oid::regprocedure)
        from pg_proc p
        where p.pronamespace = 'casegold'::regnamespace and p.proowner = current_user::regrole
        union all
        select format('%s %s', case t.typtype when 'd' then 'domain' else 'type' end, t.oid::regtype)
        from pg_type t left join pg_class c on c.oid = t.typrelid
        where t.typnamespace = 'casegold'::regnamespace and t.typowner = current_user::regrole
          and (t.typtype = 'd' or c.relkind = 'c')
    loop
        execute format('alter %s owner to %s', thing.name, owner);
    end loop;
end $$

-- name: setting_get
select value from setting where key = %(key)s

-- name: setting_first
insert into setting (key, value, reason) values (%(key)s, %(value)s, 'first start') on conflict (key) do nothing

-- name: setting_set
insert into setting (key, value, reason) values (%(key)s, %(value)s, %(reason)s)
on conflict (key) do update set value = excluded.value, reason = excluded.reason,
    changed_at = clock_timestamp(), changed_by = session_user

-- name: revision
select version_num from casegold.alembic_version
