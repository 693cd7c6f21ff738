-- Who reads figures from outside needs the Iceberg catalog and nothing of control state. Every role of the contracts
-- may read the catalog; only those that ask for something or approve it are members of casegold_people, too.

do $$
begin
    create role casegold_catalog_readers nologin;
exception
    -- Roles belong to the whole server: another database of it, or another process just now, has made it.
    when duplicate_object or unique_violation then null;
end $$;

-- PyIceberg makes the catalog's tables at its first use, as the platform's user, who runs this: hence the default.
grant usage on schema iceberg to casegold_catalog_readers;
grant select on all tables in schema iceberg to casegold_catalog_readers;
alter default privileges in schema iceberg grant select on tables to casegold_catalog_readers;

-- A role that a contract names: made where the server has none. It carries nothing but membership.
drop function make_group_role(text);
create function make_group_role(name text, acts boolean) returns void
language plpgsql set search_path = casegold, pg_temp as $$
declare
    known pg_roles;
begin
    begin
        execute format('create role %I nologin', name);
    exception
        when duplicate_object or unique_violation then null;
    end;
    select * into known from pg_roles where rolname = name;
    if known.rolcanlogin or known.rolsuper or known.rolcreaterole or known.rolbypassrls or name like 'pg\_%' then
        raise exception 'the role % can do more than belong to it: contracts name group roles', name
            using errcode = 'check_violation';
    end if;
    if not pg_has_role(name, 'casegold_catalog_readers', 'MEMBER') then
        execute format('grant casegold_catalog_readers to %I', name);
    end if;
    if acts and not pg_has_role(name, 'casegold_people', 'MEMBER') then
        execute format('grant casegold_people to %I', name);
    elsif not acts and pg_has_role(name, 'casegold_people', 'MEMBER') then
        execute format('revoke casegold_people from %I', name);
    end if;
end $$;
revoke execute on function make_group_role(text, boolean) from public;
