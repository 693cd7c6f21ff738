select barrier from day_barrier where business_date = %(day)s and barrier @> %(of_epoch)s
