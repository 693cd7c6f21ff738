select min(business_date) as first
from (
    select business_date
    from control_total
    where business_date >= %(first_date)s and source = any(%(sources)s)
    group by business_date
    having count(distinct source) = cardinality(%(sources)s::text[])
) as counted_by_all
