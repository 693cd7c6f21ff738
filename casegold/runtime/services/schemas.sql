-- The three schemas of an installation's database: control state, Dagster's storage, the Iceberg catalog.
create schema if not exists casegold;
create schema if not exists dagster;
create schema if not exists iceberg;
