insert into effect_ledger (operation, target, request_id, state) values ('dead-letters', %(topic)s, %(seq)s, 'REQUESTED')
on conflict do nothing
