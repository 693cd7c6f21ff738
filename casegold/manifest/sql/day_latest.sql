select max(business_date) as latest from day_close
