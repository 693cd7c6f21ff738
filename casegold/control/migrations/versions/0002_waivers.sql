-- Waivers under the same four eyes: one person asks, another with a first-level role approves. What was asked for is
-- never rewritten.

create function waiver_record(the_waiver waiver, step text, event text) returns void
language plpgsql set search_path = casegold, pg_temp as $$
begin
    insert into waiver_audit (waiver_id, step, detail)
    values (the_waiver.waiver_id, step, jsonb_build_object('reason', the_waiver.reason));
    insert into outbox (id, aggregatetype, aggregateid, type, payload)
    values (gen_random_uuid(), 'backfill', 'waiver_' || the_waiver.waiver_id, event,
            jsonb_build_object(
                'eventType', event, 'waiverId', the_waiver.waiver_id, 'datasetId', the_waiver.dataset,
                'partitionFrom', the_waiver.partition_from, 'partitionTo', the_waiver.partition_to,
                'checkName', the_waiver.check_name, 'reason', the_waiver.reason,
                'requestedBy', the_waiver.requested_by, 'approvedBy', the_waiver.approved_by,
                'actor', session_user, 'person', (who_calls()).person, 'at', clock_timestamp()));
end $$;

create function waiver_request_refusal(of_dataset text) returns text
language plpgsql set search_path = casegold, pg_temp as $$
declare
    who identity := who_calls();
begin
    return coalesce(who.refusal, case when not may(of_dataset, '{0}') then
        format('%s has no role that may request waivers of %s', who.login, left(of_dataset, 100)) end);
end $$;

create function waiver_approval_refusal(the_waiver waiver) returns text
language plpgsql set search_path = casegold, pg_temp as $$
declare
    who identity := who_calls();
begin
    return case
        when who.refusal is not null then who.refusal
        when the_waiver.waiver_id is null then 'there is no such waiver'
        when not may(the_waiver.dataset, '{1}') then
            format('%s has no role that may approve waivers of %s', who.login, the_waiver.dataset)
        when the_waiver.approved_at is not null then format('%s has approved it already', the_waiver.approved_person)
        when who.person = the_waiver.requested_person then
            format('%s asked for it: another person has to approve', who.person)
    end;
end $$;

-- On every path, the platform's own included.
create function waiver_asked() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
declare
    refusal text := waiver_request_refusal(new.dataset);
begin
    if refusal is not null or new.approved_by is not null then
        raise exception '%', coalesce(refusal, 'a waiver begins without approval') using errcode = 'check_violation';
    end if;
    new.requested_by := session_user;
    new.requested_person := (who_calls()).person;
    new.requested_at := clock_timestamp();
    return new;
end $$;
create trigger waiver_is_asked before insert on waiver for each row execute function waiver_asked();

create function waiver_approves() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
declare
    signature text[] := array['approved_by', 'approved_person', 'approved_at'];
    refusal   text := waiver_approval_refusal(old);
begin
    if to_jsonb(new) - signature is distinct from to_jsonb(old) - signature then
        raise exception 'a waiver is never rewritten: ask for another' using errcode = 'restrict_violation';
    elsif refusal is not null then
        raise exception '%', refusal using errcode = 'check_violation';
    end if;
    new.approved_by := session_user;
    new.approved_person := (who_calls()).person;
    new.approved_at := clock_timestamp();
    return new;
end $$;
create trigger waiver_approves before update on waiver for each row execute function waiver_approves();
create trigger waiver_stays before delete on waiver for each row execute function refuse_change();
create trigger waiver_is_not_emptied before truncate on waiver for each statement execute function refuse_change();

create function waiver_told() returns trigger
language plpgsql set search_path = casegold, pg_temp as $$
begin
    perform waiver_record(new, case tg_op when 'INSERT' then 'REQUESTED' else 'APPROVED' end,
                          case tg_op when 'INSERT' then 'WaiverRequested' else 'WaiverApproved' end);
    return null;
end $$;
create trigger waiver_is_told after insert or update on waiver for each row execute function waiver_told();

-- ---------------------------------------------------------------- what people may do

create function waiver_refuse(id bigint, attempt text, why text, detail jsonb default '{}') returns answer
language plpgsql set search_path = casegold, pg_temp as $$
declare
    known bigint;
begin
    select waiver_id into known from waiver where waiver_id = id;
    insert into waiver_audit (waiver_id, step, detail)
    values (known, 'REFUSED', detail || jsonb_build_object('attempt', attempt, 'why', why, 'waiver', id));
    raise log 'casegold: % may not % waiver %: %', session_user, attempt, id, in_one_line(why);
    return row(false, known::text, 'REFUSED', why)::answer;
end $$;

create function waiver_request(of_dataset text, first_partition date, last_partition date, of_check text, why text) returns answer
language plpgsql security definer set search_path = casegold, pg_temp as $$
declare
    made    waiver;
    problem text := waiver_request_refusal(of_dataset);
    wanted  jsonb := jsonb_build_object('dataset', left(of_dataset, 100), 'partitionFrom', first_partition,
                                        'partitionTo', last_partition, 'checkName', left(of_check, 200));
begin
    if problem is not null then
        return waiver_refuse(null, 'request', problem, wanted);
    end if;
    insert into waiver (dataset, partition_from, partition_to, check_name, reason)
    values (of_dataset, first_partition, last_partition, of_check, why) returning * into made;
    return row(true, made.waiver_id::text, 'REQUESTED', 'another person has to approve it')::answer;
exception
    when integrity_constraint_violation then
        get stacked diagnostics problem = message_text;
        return waiver_refuse(null, 'request', problem, wanted);
end $$;

create function waiver_approve(id bigint) returns answer
language plpgsql security definer set search_path = casegold, pg_temp as $$
declare
    asked   waiver;
    problem text;
begin
    select * into asked from waiver where waiver_id = id for update;
    problem := waiver_approval_refusal(asked);
    if problem is not null then
        return waiver_refuse(id, 'approve', problem);
    end if;
    update waiver set approved_by = session_user where waiver_id = id;
    return row(true, id::text, 'APPROVED', 'approved')::answer;
end $$;
