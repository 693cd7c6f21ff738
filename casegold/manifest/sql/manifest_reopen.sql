update run_manifest
set state = 'OPEN', ended_at = null,
    outcome = jsonb_build_object('retried_by', %(person)s::text, 'reason', %(reason)s::text, 'after', state)
where run_id = %(run_id)s and state in ('HELD', 'FAILED', 'CANCELLED')
returning run_id
