update hold
set released_at = clock_timestamp(), released_by = %(person)s, release_reason = %(reason)s
-- A pin is released with the partitions that it pins.
where hold_id = %(hold_id)s and kind <> 'PINNED' and released_at is null
