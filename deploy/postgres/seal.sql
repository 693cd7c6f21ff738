-- A superuser runs it after each `casegold up` that changed the control schema:
--   psql -d casegold -v owner=casegold_owner -f seal.sql
-- From then on nobody who logs in can change the audit trail, the owner included. A release whose migration changes it
-- says so: `grant casegold_audit to casegold_owner with inherit false, set true`, `casegold up`, and seal.sql again.
\set ON_ERROR_STOP on
select format('revoke casegold_audit from %I granted by %I cascade', :'owner', g.rolname)
from pg_auth_members m join pg_roles g on g.oid = m.grantor
where m.roleid = 'casegold_audit'::regrole and m.member = :'owner'::regrole \gexec
