select l.login, l.person, l.added_at, l.added_by, l.removed_at, l.removed_by,
       array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
             where m.member = r.oid order by g.rolname) as roles
from person_login l
left join pg_roles r on r.rolname = l.login
order by l.removed_at is not null, l.login
