-- The dates of the previous rows and their ends; null where the end is not known.
select previous.snapshot_date, max(day.end_at) as end_at
from previous_rows as previous
left join business_days as day on day.business_date = previous.snapshot_date
group by previous.snapshot_date
order by previous.snapshot_date
