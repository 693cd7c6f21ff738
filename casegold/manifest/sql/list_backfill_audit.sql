select backfill_run_id as subject, step, actor, person, authenticated_as, at, detail
from casegold.backfill_audit
where %(id)s::text is null or backfill_run_id = %(id)s
order by audit_id desc
limit %(limit)s
