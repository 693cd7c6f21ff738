select pg_export_snapshot() as snapshot, clock_timestamp() as taken_at,
       (select pg_get_userbyid(relowner) from pg_class where oid = 'casegold.alembic_version'::regclass) as owner,
       to_regclass('iceberg.iceberg_tables') is not null as has_tables
