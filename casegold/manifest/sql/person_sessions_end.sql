select pg_terminate_backend(pid) from pg_stat_activity where usesysid = %(role_oid)s::oid
