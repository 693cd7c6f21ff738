-- Roles that own something in this database or have rights in it. Membership in them is not part of the database.
select distinct pg_get_userbyid(d.refobjid) as role
from pg_shdepend d
join pg_database b on b.oid = d.dbid
where d.refclassid = 'pg_authid'::regclass and b.datname = current_database()
order by 1
