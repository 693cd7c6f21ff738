with reopened as (
    update run_manifest
    set state = 'OPEN', ended_at = null,
        outcome = jsonb_build_object('retried_by', %(person)s::text, 'reason', %(reason)s::text, 'after', state)
    where run_id = %(run_id)s and state in ('HELD', 'FAILED', 'CANCELLED')
    returning run_id
), at_once as (
    -- A person who retries does not wait for a backoff.
    update run_attempt a set not_before = clock_timestamp() from reopened r where a.run_id = r.run_id
)
select run_id from reopened
