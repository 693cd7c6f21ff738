select source, business_date, event_type, count, as_of, revision
from control_total
where totals_seq <= %(totals_seq)s and business_date between %(first)s and %(last)s
