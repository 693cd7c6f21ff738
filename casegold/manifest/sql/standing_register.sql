select (select max(business_date) from day_close) as latest_closed,
       (select min(business_date) from control_total) as first_counted
