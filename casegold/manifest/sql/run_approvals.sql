-- Of exactly the plan that was executed.
select a.level, a.login, a.person, a.approved_at
from backfill_approval a
join backfill_request b using (backfill_run_id, plan_digest)
where a.backfill_run_id = %(backfill)s
order by a.level
