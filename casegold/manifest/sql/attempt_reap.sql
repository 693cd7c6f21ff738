with lost as (
    update run_attempt
    set state = 'LOST', ended_at = clock_timestamp(), exit_class = 20, message = 'no sign of life'
    where state = 'RUNNING' and heartbeat_at < clock_timestamp() - make_interval(secs => %(dead_after)s)
    returning run_id, attempt
), freed as (
    delete from dataset_claim c using lost where c.run_id = lost.run_id and c.attempt = lost.attempt
), ended as (
    -- Not yet visible as LOST in this statement: the row itself, and the two before it.
    update run_manifest m
    set state = 'FAILED', ended_at = clock_timestamp(),
        outcome = jsonb_build_object('error', 'the process died ' || %(lost_in_a_row)s || ' times in a row')
    from lost
    where m.run_id = lost.run_id and m.state = 'OPEN'
      and %(lost_in_a_row)s - 1 = (
        select count(*) from run_attempt a
        where a.run_id = lost.run_id and a.state = 'LOST'
          and a.attempt between lost.attempt - %(lost_in_a_row)s + 1 and lost.attempt - 1)
)
select run_id, attempt from lost
