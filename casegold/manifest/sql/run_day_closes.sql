-- The dates that a run's partitions cover, as they were closed: by the platform on signals, or by a person with a reason.
select business_date as date, closed_at, closed_by, reason, close_seq as sequence, totals_seq as totals_sequence
from day_close
where business_date between %(first)s and %(last)s
order by business_date
