-- What people, and below what the platform, may do with backfill requests. Each locks the request's row first: of two
-- that come at once, the second judges what the first has left behind.

-- The audit row of an attempt that the rules forbid. The server's log has it, too, which no rollback takes back.
create function backfill_refuse(id text, attempt text, why text, detail jsonb default '{}') returns answer
language plpgsql set search_path = casegold, pg_temp as $$
declare
    request backfill_request;
begin
    select * into request from backfill_request r where r.backfill_run_id = id;
    insert into backfill_audit (backfill_run_id, step, detail)
    values (request.backfill_run_id, 'REFUSED',
            detail || jsonb_build_object('attempt', attempt, 'why', why, 'request', left(id, 100)));
    raise log 'casegold: % may not % backfill %: %', session_user, attempt, in_one_line(id), in_one_line(why);
    return row(false, request.backfill_run_id, request.state, why)::answer;
end $$;

create function backfill_accept(request backfill_request, message text) returns answer
language sql set search_path = casegold, pg_temp as $$
    select row(true, request.backfill_run_id, request.state, message)::answer
$$;

-- Requests that nobody began in time become EXPIRED.
create function backfill_expire(of_dataset text) returns void
language sql set search_path = casegold, pg_temp as $$
    update backfill_request set state = 'EXPIRED', note = 'not begun in time'
    where dataset = of_dataset and state in ('REQUESTED', 'PLANNED', 'APPROVED') and expires_at <= clock_timestamp()
$$;

create function backfill_locked(id text) returns backfill_request
language plpgsql set search_path = casegold, pg_temp as $$
declare
    request backfill_request;
begin
    select * into request from backfill_request r where r.backfill_run_id = id for update;
    if request.state in ('REQUESTED', 'PLANNED', 'APPROVED') and request.expires_at <= clock_timestamp() then
        update backfill_request r set state = 'EXPIRED', note = 'not begun in time'
        where r.backfill_run_id = id returning * into request;
    end if;
    return request;
end $$;

create function backfill_ask(of_dataset text, first_partition date, last_partition date, as_mode text, why text) returns answer
language plpgsql security definer set search_path = casegold, pg_temp as $$
declare
    request backfill_request;
    who     identity := who_calls();
    wanted  jsonb := jsonb_build_object('dataset', left(of_dataset, 100), 'partitionFrom', first_partition,
                                        'partitionTo', last_partition, 'mode', left(as_mode, 20));
    problem text := coalesce(who.refusal, case when not may(of_dataset, '{0}') then
        format('%s has no role that may request backfills of %s', who.login, left(of_dataset, 100)) end);
begin
    if problem is not null then
        return backfill_refuse(null, 'request', problem, wanted);
    end if;
    perform backfill_expire(of_dataset);
    insert into backfill_request (backfill_run_id, dataset, partition_from, partition_to, mode, reason)
    values ('bf_' || replace(gen_random_uuid()::text, '-', '_'), of_dataset, first_partition, last_partition, as_mode, why)
    returning * into request;
    return backfill_accept(request, 'waits for a plan');
exception
    when unique_violation then
        return backfill_refuse(null, 'request', 'an open request asks for the same range', wanted);
    when integrity_constraint_violation then
        get stacked diagnostics problem = message_text;
        return backfill_refuse(null, 'request', problem, wanted);
end $$;

create function backfill_submit(id text, the_plan jsonb) returns answer
language plpgsql security definer set search_path = casegold, pg_temp as $$
declare
    request backfill_request := backfill_locked(id);
    problem text := backfill_refusal(request, 'plan', '{0}', '{REQUESTED}');
begin
    if problem is not null then
        return backfill_refuse(id, 'plan', problem);
    end if;
    update backfill_request r set state = 'PLANNED', plan = the_plan, note = null
    where r.backfill_run_id = id returning * into request;
    return backfill_accept(request, request.plan_digest);
exception
    when integrity_constraint_violation then
        get stacked diagnostics problem = message_text;
        return backfill_refuse(id, 'plan', problem);
end $$;

create function backfill_approve(id text, digest text) returns answer
language plpgsql security definer set search_path = casegold, pg_temp as $$
declare
    request backfill_request := backfill_locked(id);
    problem text := backfill_approval_refusal(request, digest);
begin
    if problem is not null then
        return backfill_refuse(id, 'approve', problem, jsonb_build_object('digest', left(digest, 64)));
    end if;
    insert into backfill_approval (backfill_run_id, plan_digest) values (id, digest);
    select * into request from backfill_request r where r.backfill_run_id = id;
    return backfill_accept(request, case request.state when 'APPROVED' then 'approved'
        else format('approval of level %s is missing', array_to_string(backfill_missing_levels(request), ' and ')) end);
end $$;

create function backfill_move(id text, attempt text, levels smallint[], states text[], next_state text, why text) returns answer
language plpgsql set search_path = casegold, pg_temp as $$
declare
    request backfill_request := backfill_locked(id);
    problem text := coalesce(backfill_refusal(request, attempt, levels, states),
        case when coalesce(length(btrim(why)), 0) not between 1 and 2000 then 'a reason of 1 to 2,000 characters is needed' end);
begin
    if problem is not null then
        return backfill_refuse(id, attempt, problem, jsonb_build_object('reason', left(why, 2000)));
    end if;
    update backfill_request r set state = next_state, note = why where r.backfill_run_id = id returning * into request;
    return backfill_accept(request, why);
end $$;

create function backfill_reject(id text, why text) returns answer
language sql security definer set search_path = casegold, pg_temp as $$
    select backfill_move(id, 'reject', '{1,2}', '{REQUESTED,PLANNED}', 'REJECTED', why)
$$;

-- To begin takes two people, to stop only one: any person who may request or approve.
create function backfill_cancel(id text, why text) returns answer
language sql security definer set search_path = casegold, pg_temp as $$
    select backfill_move(id, 'cancel', '{0,1,2}', '{REQUESTED,PLANNED,APPROVED,EXECUTING,PAUSED}', 'CANCELLED', why)
$$;

create function backfill_pause(id text, why text) returns answer
language sql security definer set search_path = casegold, pg_temp as $$
    select backfill_move(id, 'pause', '{0,1,2}', '{EXECUTING}', 'PAUSED', why)
$$;

create function backfill_resume(id text, why text) returns answer
language sql security definer set search_path = casegold, pg_temp as $$
    select backfill_move(id, 'resume', '{0,1,2}', '{PAUSED}', 'EXECUTING', why)
$$;

-- ---------------------------------------------------------------- the platform's own steps

-- Exactly one caller gets a yes: the row's lock decides, and the state has changed for the next.
create function backfill_begin(id text, digest text) returns answer
language plpgsql set search_path = casegold, pg_temp as $$
declare
    request backfill_request := backfill_locked(id);
    problem text := case
        when request.backfill_run_id is null then 'there is no such request'
        when request.state = 'EXPIRED' then format('the request expired at %s', request.expires_at)
        when request.state <> 'APPROVED' then format('the request is %s, not APPROVED', request.state)
        when digest is distinct from request.plan_digest then
            format('the digest of the approved plan is %s, not %s', request.plan_digest, left(coalesce(digest, 'missing'), 64))
    end;
begin
    if problem is not null then
        return backfill_refuse(id, 'begin', problem, jsonb_build_object('digest', left(digest, 64)));
    end if;
    update backfill_request r set state = 'EXECUTING', note = null where r.backfill_run_id = id returning * into request;
    return backfill_accept(request, 'begun');
end $$;

create function backfill_end(id text, succeeded boolean, why text) returns answer
language plpgsql set search_path = casegold, pg_temp as $$
declare
    request backfill_request := backfill_locked(id);
begin
    if request.state is distinct from 'EXECUTING' then
        return backfill_refuse(id, 'end', format('the request is %s, not EXECUTING', coalesce(request.state, 'unknown')));
    end if;
    update backfill_request r set state = case when succeeded then 'COMPLETED' else 'FAILED' end, note = left(why, 2000)
    where r.backfill_run_id = id returning * into request;
    return backfill_accept(request, why);
end $$;
