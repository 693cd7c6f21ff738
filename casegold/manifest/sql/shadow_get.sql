select s.dataset as table_name, r.dataset, s.branch, s.comparison,
       s.recorded_at < clock_timestamp() - %(kept)s as is_over
from shadow s
join backfill_request r using (backfill_run_id)
where s.backfill_run_id = %(id)s
