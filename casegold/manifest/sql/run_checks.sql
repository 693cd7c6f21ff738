-- Every result of every judgement of a run: each attempt that reached the gate judged anew.
select attempt, partition_key as partition, check_name as check, required, status, failures, expected, actual, detail,
       sample, evaluated_at
from quality_result
where run_id = %(run_id)s
order by attempt, partition_key, check_name
