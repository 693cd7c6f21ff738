-- What holds for backfill requests on every path, the platform's own included: steps, signatures, trail, events.

create function backfill_restated(request backfill_request) returns bigint
language sql set search_path = casegold, pg_temp as $$
    select count(*) from partition_state s
    where s.dataset = request.dataset and s.current_version is not null
      and s.partition_key >= request.partition_from
      and (s.partition_key <= request.partition_to
           or exists (select from approval_rule r where r.dataset = request.dataset and r.to_latest))
$$;
comment on function backfill_restated is 'Published partitions that change, counted here: a plan''s author cannot make a restatement look small.';

create function backfill_missing_levels(request backfill_request) returns smallint[]
language sql set search_path = casegold, pg_temp as $$
    select coalesce(array_agg(level order by level), '{}') from (
        select 1::smallint as level
        union
        select r.level from approval_rule r
        where r.dataset = request.dataset and r.level = 2 and backfill_restated(request) > r.above_partitions
        except
        select a.level from backfill_approval a
        where a.backfill_run_id = request.backfill_run_id and a.plan_digest = request.plan_digest
    ) missing
$$;

-- One step: its audit row and its event, in the transaction of the step.
create function backfill_record(request backfill_request, step text, event text, detail jsonb) returns void
language plpgsql set search_path = casegold, pg_temp as $$
begin
    insert into backfill_audit (backfill_run_id, step, detail) values (request.backfill_run_id, step, detail);
    insert into outbox (id, aggregatetype, aggregateid, type, payload)
    values (gen_random_uuid(), 'backfill', request.backfill_run_id, event,
            jsonb_build_object(
                'eventType', event, 'backfillRunId', request.backfill_run_id, 'datasetId', request.dataset,
                'partitionFrom', request.partition_from, 'partitionTo', request.partition_to, 'mode', request.mode,
                'reason', request.reason, 'requestedBy', request.requested_by, 'requestedAt', request.requested_at,
                'state', request.state, 'planDigest', request.plan_digest,
                'actor', session_user, 'person', (who_calls()).person, 'at', clock_timestamp()) || detail);
end $$;

create function backfill_asked() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
begin
    if new.state <> 'REQUESTED' or new.plan is not null then
        raise exception 'a request begins without a plan' using errcode = 'check_violation';
    end if;
    new.requested_by := session_user;
    new.requested_person := (who_calls()).person;
    new.requested_at := clock_timestamp();
    return new;
end $$;
create trigger backfill_is_asked before insert on backfill_request for each row execute function backfill_asked();

create function backfill_steps(state text) returns text[]
language sql immutable set search_path = casegold, pg_temp as $$
    select case state
        when 'REQUESTED' then array['PLANNED', 'REJECTED', 'CANCELLED', 'EXPIRED']
        when 'PLANNED'   then array['APPROVED', 'REJECTED', 'CANCELLED', 'EXPIRED']
        when 'APPROVED'  then array['EXECUTING', 'CANCELLED', 'EXPIRED']
        when 'EXECUTING' then array['PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED']
        when 'PAUSED'    then array['EXECUTING', 'FAILED', 'CANCELLED']
        else '{}'
    end
$$;

create function backfill_moves() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
declare
    fixed text[] := array['state', 'note', 'expires_at', 'plan', 'plan_digest', 'planned_by', 'planned_person', 'planned_at'];
begin
    if to_jsonb(new) - fixed is distinct from to_jsonb(old) - fixed or new.expires_at > old.expires_at then
        raise exception 'a request is never rewritten: cancel it and ask anew' using errcode = 'restrict_violation';
    end if;
    if new.state <> old.state and not new.state = any(backfill_steps(old.state)) then
        raise exception 'no step leads from % to %', old.state, new.state using errcode = 'check_violation';
    end if;
    if old.state = 'REQUESTED' and new.state = 'PLANNED' then
        new.plan_digest := encode(sha256(convert_to(new.plan::text, 'UTF8')), 'hex');
        new.planned_by := session_user;
        new.planned_person := (who_calls()).person;
        new.planned_at := clock_timestamp();
    elsif (new.plan, new.plan_digest, new.planned_by, new.planned_person, new.planned_at)
          is distinct from (old.plan, old.plan_digest, old.planned_by, old.planned_person, old.planned_at) then
        raise exception 'a plan is final: cancel the request and ask anew' using errcode = 'restrict_violation';
    end if;
    if new.state = 'APPROVED' and backfill_missing_levels(new) <> '{}' then
        raise exception 'approval of level % is missing', backfill_missing_levels(new) using errcode = 'check_violation';
    end if;
    if old.state = 'APPROVED' and new.state = 'EXECUTING' and new.expires_at <= clock_timestamp() then
        raise exception 'expired at %', new.expires_at using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger backfill_moves before update on backfill_request for each row execute function backfill_moves();
create trigger backfill_stays before delete on backfill_request for each row execute function refuse_change();
create trigger backfill_is_not_emptied before truncate on backfill_request for each statement execute function refuse_change();

create function backfill_moved() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
declare
    event text := case
        when tg_op = 'INSERT' then 'BackfillRequested'
        when new.state = 'EXECUTING' and old.state = 'PAUSED' then 'BackfillResumed'
        when new.state = 'EXECUTING' then 'BackfillStarted'
        else 'Backfill' || initcap(new.state)
    end;
begin
    perform backfill_record(new, case event when 'BackfillResumed' then 'RESUMED' else new.state end, event,
        jsonb_build_object('note', case tg_op when 'INSERT' then new.reason else new.note end, 'restated', backfill_restated(new)));
    return null;
end $$;
create trigger backfill_asked_is_told after insert on backfill_request for each row execute function backfill_moved();
create trigger backfill_move_is_told after update on backfill_request for each row
    when (old.state <> new.state) execute function backfill_moved();

-- ---------------------------------------------------------------- approvals

-- Why the caller may not do this with a request; null where he may.
create function backfill_refusal(request backfill_request, attempt text, levels smallint[], states text[]) returns text
language plpgsql set search_path = casegold, pg_temp as $$
declare
    who identity := who_calls();
begin
    return case
        when who.refusal is not null then who.refusal
        when request.backfill_run_id is null then 'there is no such request'
        when not may(request.dataset, levels) then
            format('%s has no role that may %s backfills of %s', who.login, attempt, request.dataset)
        when request.state = 'EXPIRED' then format('the request expired at %s', request.expires_at)
        when not request.state = any(states) then
            format('the request is %s; to %s it, it has to be %s', request.state, attempt, array_to_string(states, ' or '))
    end;
end $$;

-- The lowest level that is missing and that the caller may give.
create function backfill_level_to_give(request backfill_request) returns smallint
language sql set search_path = casegold, pg_temp as $$
    select min(level) from unnest(backfill_missing_levels(request)) level where may(request.dataset, array[level])
$$;

create function backfill_approval_refusal(request backfill_request, digest text) returns text
language plpgsql set search_path = casegold, pg_temp as $$
declare
    who identity := who_calls();
begin
    return coalesce(backfill_refusal(request, 'approve', '{1,2}', '{PLANNED}'), case
        when request.expires_at <= clock_timestamp() then format('the request expired at %s', request.expires_at)
        when digest is distinct from request.plan_digest then
            format('the digest of the plan is %s, not %s', request.plan_digest, left(coalesce(digest, 'missing'), 64))
        when who.person in (request.requested_person, request.planned_person) then
            format('%s asked for it or planned it: another person has to approve', who.person)
        when exists (select from backfill_approval a
                     where a.backfill_run_id = request.backfill_run_id and a.person = who.person) then
            format('%s has approved it already: another person has to', who.person)
        when backfill_level_to_give(request) is null then
            format('%s may approve none of the levels that are missing', who.login)
    end);
end $$;

-- Holds for the owner of the table, too: there is no approval without a person who proved who he is.
create function backfill_approves() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
declare
    request backfill_request;
    refusal text;
begin
    select * into request from backfill_request r where r.backfill_run_id = new.backfill_run_id for update;
    refusal := backfill_approval_refusal(request, new.plan_digest);
    if refusal is not null then
        raise exception '%', refusal using errcode = 'check_violation';
    end if;
    new.level := backfill_level_to_give(request);
    new.login := session_user;
    new.person := (who_calls()).person;
    new.approved_at := clock_timestamp();
    return new;
end $$;
create trigger backfill_approves before insert on backfill_approval for each row execute function backfill_approves();
create trigger backfill_approval_is_insert_only before update or delete on backfill_approval
    for each row execute function refuse_change();
create trigger backfill_approval_is_not_emptied before truncate on backfill_approval
    for each statement execute function refuse_change();

-- The last approval that was missing makes the request APPROVED, in the same transaction.
create function backfill_approved() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
declare
    request backfill_request;
begin
    select * into request from backfill_request r where r.backfill_run_id = new.backfill_run_id;
    perform backfill_record(request, 'APPROVAL_GIVEN', 'BackfillApprovalGiven',
        jsonb_build_object('level', new.level, 'planDigest', new.plan_digest, 'missing', backfill_missing_levels(request)));
    if backfill_missing_levels(request) = '{}' then
        update backfill_request set state = 'APPROVED', note = null where backfill_run_id = new.backfill_run_id;
    end if;
    return null;
end $$;
create trigger backfill_is_approved after insert on backfill_approval for each row execute function backfill_approved();

