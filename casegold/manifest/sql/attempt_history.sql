-- Since a person last retried the run. What was deferred or cancelled neither counts nor ends a row.
with since as (
    select attempt, state, started_at is not null or state = 'DEFERRED' as began
    from run_attempt
    where run_id = %(run_id)s
      and attempt > coalesce((select max(after_attempt) from run_decision
                              where run_id = %(run_id)s and decision = 'RETRY'), 0)
), marks as (
    select coalesce(max(attempt) filter (where state in ('SUCCEEDED', 'FAILED')), 0) as spoke,
           coalesce(max(attempt) filter (where began), 0) as began
    from since
)
select count(*) filter (where state in ('FAILED', 'LOST')) as failed,
       count(*) filter (where state = 'LOST' and attempt > spoke) as lost_in_a_row,
       count(*) filter (where state = 'LAUNCH_FAILED' and attempt > marks.began) as launches_failed_in_a_row
from since, marks
