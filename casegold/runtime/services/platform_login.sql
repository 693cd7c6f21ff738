-- The login that runs the platform: no superuser, owner of nothing but what Dagster makes.
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
