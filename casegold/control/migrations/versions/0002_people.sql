-- Who acts, and what he may do: told by the server, never by a parameter. Functions that people may call are
-- `security definer`, so current_user is the owner in them; session_user stays the login.

do $$
begin
    create role casegold_people nologin;
exception
    -- Roles belong to the whole server: another database of it, or another process just now, has made it.
    when duplicate_object or unique_violation then null;
    when insufficient_privilege then
        raise exception 'the platform''s database user may not create roles'
            using hint = format('as a superuser: alter role %I createrole', current_user), errcode = 'insufficient_privilege';
end $$;

create type answer as (accepted boolean, subject text, state text, message text);
comment on type answer is 'A refusal is an answer, not an error: an error would take its audit row away with the transaction.';

create type identity as (login text, person text, refusal text);

-- The platform's own logins: the owner of the schema, who may act as the owner (superusers may), and the UI.
create function is_machine(login text) returns boolean
language sql stable set search_path = casegold, pg_temp as $$
    select login in ('casegold', 'dagster-ui') or exists (
        select from pg_namespace n join pg_roles r on r.rolname = login
        where n.nspname = 'casegold' and pg_has_role(r.oid, n.nspowner, 'MEMBER'))
$$;

-- The caller, his person, and why he may do nothing here (null where he may).
create function who_calls() returns identity
language plpgsql set search_path = casegold, pg_temp as $$
declare
    who    identity;
    -- `scram-sha-256:ann`; null where the server asked for no proof.
    proven text := substr(system_user, strpos(system_user, ':') + 1);
begin
    who.login := session_user;
    select l.person into who.person from person_login l where l.login = who.login and l.removed_at is null;
    who.refusal := case
        when is_machine(who.login) then
            format('%s is the platform''s own login and stands for nobody', who.login)
        when proven is null then
            format('the server let %s in without asking for a proof: it has to ask for a password', who.login)
        -- A superuser can put on another session_user, not another system_user.
        when proven <> who.login then
            format('%s logged in and acts as %s', proven, who.login)
        when who.person is null then
            format('no person is known for the login %s', who.login)
        -- An older snapshot would judge by what was true then.
        when current_setting('transaction_isolation') <> 'read committed' then
            'rules are judged in read committed transactions only'
    end;
    return who;
end $$;

-- Whether the caller has a role that the dataset's contract names for one of these levels.
create function may(of_dataset text, levels smallint[]) returns boolean
language sql stable set search_path = casegold, pg_temp as $$
    select exists (
        select from approval_rule a join pg_roles r on r.rolname = a.role_name
        where a.dataset = of_dataset and a.level = any(levels) and pg_has_role(session_user, r.oid, 'MEMBER'))
$$;

-- One line of a text from outside, for the server's log.
create function in_one_line(words text) returns text
language sql immutable set search_path = casegold, pg_temp as $$
    select to_jsonb(left(words, 200))::text
$$;

-- A login belongs to one person for ever, so that the trail stays readable; it can only be removed, or come back.
create function keep_person() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
begin
    if (new.login, new.person, new.added_at, new.added_by) is distinct from (old.login, old.person, old.added_at, old.added_by) then
        raise exception 'the login % belongs to %', old.login, old.person using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger person_login_is_kept before update on person_login for each row execute function keep_person();
create trigger person_login_stays before delete on person_login for each row execute function refuse_change();
create trigger person_login_is_not_emptied before truncate on person_login for each statement execute function refuse_change();

-- Audit rows are signed by the database; what a statement says about actor and time is overwritten.
create function sign_audit() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
begin
    new.actor := session_user;
    new.person := (who_calls()).person;
    new.authenticated_as := system_user;
    new.at := clock_timestamp();
    return new;
end $$;
create trigger backfill_audit_is_signed before insert on backfill_audit for each row execute function sign_audit();
create trigger waiver_audit_is_signed before insert on waiver_audit for each row execute function sign_audit();

create trigger backfill_audit_is_insert_only before update or delete on backfill_audit
    for each row execute function refuse_change();
create trigger backfill_audit_is_not_emptied before truncate on backfill_audit
    for each statement execute function refuse_change();
create trigger waiver_audit_is_insert_only before update or delete on waiver_audit
    for each row execute function refuse_change();
create trigger waiver_audit_is_not_emptied before truncate on waiver_audit
    for each statement execute function refuse_change();

-- A role that a contract names: made where the server has none. It carries nothing but membership.
create function make_group_role(name text) returns void
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
    if not pg_has_role(name, 'casegold_people', 'MEMBER') then
        execute format('grant casegold_people to %I', name);
    end if;
end $$;
