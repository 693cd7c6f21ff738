select pg_export_snapshot() as snapshot, clock_timestamp() as taken_at,
       (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'casegold') as owner,
       to_regclass('iceberg.iceberg_tables') is not null as has_tables
