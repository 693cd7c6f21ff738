update run_manifest
set state = 'CANCELLED', ended_at = clock_timestamp(),
    outcome = jsonb_build_object('cancelled_by', %(person)s::text, 'reason', %(reason)s::text)
where run_id = %(run_id)s and state = 'OPEN'
