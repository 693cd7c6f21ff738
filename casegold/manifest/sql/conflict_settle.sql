update event_conflict
set state = 'SETTLED', settled_seq = %(seq)s, decided_at = clock_timestamp(), decided_by = 'casegold',
    reason = 'corrected'
where source = %(source)s and event_id = %(event_id)s and state = 'OPEN'
