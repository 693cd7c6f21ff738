-- Logins whose password is another one than casegold gave them.
select p.login
from person_password p join pg_authid a on a.rolname = p.login
where encode(sha256(convert_to(coalesce(a.rolpassword, ''), 'UTF8')), 'hex') <> p.verifier_digest
order by p.login
