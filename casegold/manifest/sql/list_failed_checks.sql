-- What closed the gate in the last attempt of a run.
select q.partition_key, q.check_name, q.status, q.failures, q.expected, q.actual, q.detail, q.sample
from quality_result q
where q.run_id = %(run_id)s and q.status in ('FAILED', 'MISSING') and q.required
  and q.attempt = (select max(attempt) from quality_result where run_id = %(run_id)s)
order by q.partition_key, q.check_name
