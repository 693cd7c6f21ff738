-- What people decide belongs to casegold_audit, which nobody logs in as: neither the owner nor the platform's login can
-- change a table, a trigger or a function of it. Everybody reads; nobody writes but through these functions.

-- PostgreSQL lets everybody call a new function, unless told otherwise.
revoke execute on function
    audit_digest(audit_link), audit_append(text, text, jsonb), audit_key(audit_source, jsonb), audit_chained(),
    outbox_with_head(), audit_now(audit_source)
from public;

do $$
declare
    thing record;
    owner regrole := (select relowner from pg_class where oid = 'casegold.alembic_version'::regclass);
begin
    if not pg_has_role(current_user, 'casegold_audit', 'SET') then
        begin
            execute format('grant casegold_audit to %I with inherit false, set true', current_user);
        exception when insufficient_privilege then
            raise exception 'the database''s owner may not hand the audit trail to casegold_audit'
                using hint = format('as a superuser: grant casegold_audit to %I with inherit false, set true; then `casegold up`', current_user),
                      errcode = 'insufficient_privilege';
        end;
    end if;

    grant select on audit_link, audit_head, audit_source to casegold_runtime, casegold_people;
    grant execute on function audit_breaks(integer) to casegold_runtime, casegold_people;
    grant execute on function in_one_line(text), is_machine(text) to casegold_runtime;

    grant usage, create on schema casegold to casegold_audit;
    grant select on partition_state to casegold_audit;
    grant select, insert on outbox to casegold_audit;
    grant select on run_decision to casegold_audit;
    for thing in
        select c.oid::regclass::text as name from pg_class c
        where c.relnamespace = 'casegold'::regnamespace and c.relkind = 'r'
          and c.relname in ('person_login', 'person_password', 'approval_rule', 'backfill_request', 'backfill_approval',
                            'backfill_audit', 'waiver', 'waiver_audit', 'fact_admission', 'run_decision',
                            'audit_link', 'audit_lock', 'audit_source')
    loop
        execute format('alter table %s owner to casegold_audit', thing.name);
    end loop;
    alter view audit_head owner to casegold_audit;
    for thing in
        select p.oid::regprocedure::text as name from pg_proc p
        where p.pronamespace = 'casegold'::regnamespace
          and (p.proname ~ '^(audit|backfill|waiver|fact|facts)_'
               or p.proname in ('who_calls', 'may', 'is_machine', 'in_one_line', 'keep_person', 'sign_audit',
                                'refuse_change', 'outbox_with_head'))
    loop
        execute format('alter function %s owner to casegold_audit', thing.name);
    end loop;
    -- Whoever owns a schema can drop anything in it.
    alter schema casegold owner to casegold_audit;

    -- The owner's rights went with the ownership: what `casegold up` and `casegold user` need, they are given.
    set local role casegold_audit;
    execute format('grant usage, create on schema casegold to %s', owner);
    execute format('grant insert, update on person_login, person_password to %s', owner);
    execute format('grant insert, update, delete on approval_rule to %s', owner);
    execute format('grant select on person_login, person_password, approval_rule, backfill_request, backfill_approval,'
                   ' backfill_audit, waiver, waiver_audit, fact_admission, run_decision, audit_link, audit_head,'
                   ' audit_source to %s', owner);
    -- refuse_change: later migrations guard tables by it.
    execute format('grant execute on function audit_breaks(integer), refuse_change() to %s', owner);
    reset role;
end $$;
