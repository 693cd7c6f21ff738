insert into person_password (login, verifier_digest) values (%(login)s, %(digest)s)
on conflict (login) do update set verifier_digest = excluded.verifier_digest, given_at = clock_timestamp()
