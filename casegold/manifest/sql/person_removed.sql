update person_login set removed_at = clock_timestamp(), removed_by = session_user
where login = %(login)s and removed_at is null
