insert into setting (key, value, reason) values (%(key)s, %(value)s, 'first start') on conflict (key) do nothing
