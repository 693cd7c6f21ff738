select request_id from effect_ledger
where operation = 'dead-letters' and target = %(topic)s and state = 'REQUESTED'
order by request_id::bigint
