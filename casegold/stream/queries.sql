-- name: trigger_known
select from trigger_ledger where source = %(source)s and event_id = %(event_id)s
