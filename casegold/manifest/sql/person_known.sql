select l.person, l.removed_at is null as active, r.oid::bigint as role_oid
from (select %(login)s::text as login) asked
left join person_login l using (login)
left join pg_roles r on r.rolname = asked.login
