insert into person_login (login, person) values (%(login)s, %(person)s)
on conflict (login) do update set removed_at = null, removed_by = null
