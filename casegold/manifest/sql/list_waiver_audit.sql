select waiver_id::text as subject, step, actor, person, authenticated_as, at, detail
from casegold.waiver_audit
where %(id)s::bigint is null or waiver_id = %(id)s
order by audit_id desc
limit %(limit)s
