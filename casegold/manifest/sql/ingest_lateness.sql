select max(business_date) as latest_close, max(business_date) - %(grace_days)s::integer as held_before
from day_close
having max(business_date) is not null
