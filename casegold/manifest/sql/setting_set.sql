insert into setting (key, value, reason) values (%(key)s, %(value)s, %(reason)s)
on conflict (key) do update set value = excluded.value, reason = excluded.reason,
    changed_at = clock_timestamp(), changed_by = session_user
