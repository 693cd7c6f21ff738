insert into run_decision (run_id, decision, after_attempt, person, reason)
select m.run_id, %(decision)s, coalesce((select max(attempt) from run_attempt a where a.run_id = m.run_id), 0),
       %(person)s, %(reason)s
from run_manifest m
where m.run_id = %(run_id)s
