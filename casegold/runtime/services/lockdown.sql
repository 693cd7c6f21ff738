-- What PostgreSQL lets everybody do and nobody here needs: large objects, which fill the disk, and advisory locks, by
-- which any login could stop the platform for as long as it likes. Only a superuser may say so.
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
