-- What was in silver when each date closed, and when the date before it did.
select business_date, close_seq,
       coalesce((select max(before.close_seq) from day_close before where before.business_date < d.business_date), 0)
           as previous_close_seq
from day_close d
where business_date between %(first)s and %(last)s
