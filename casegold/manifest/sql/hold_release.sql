update hold
set released_at = clock_timestamp(), released_by = %(person)s, release_reason = %(reason)s
where hold_id = %(hold_id)s and released_at is null
