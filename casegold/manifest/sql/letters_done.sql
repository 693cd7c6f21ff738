update effect_ledger
set state = 'DONE', ended_at = clock_timestamp(), response = jsonb_build_object('letters', %(letters)s::bigint)
where operation = 'dead-letters' and target = %(topic)s and request_id = %(seq)s
