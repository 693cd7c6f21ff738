select count(distinct business_date) as days
from business_days
where business_date >= $first and business_date <= $last
