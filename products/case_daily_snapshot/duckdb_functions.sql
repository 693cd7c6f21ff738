-- What Spark has by these names and DuckDB by others. The only file here that is not portable.
create or replace temp macro unix_micros(instant) as epoch_us(instant);
create or replace temp macro timestamp_micros(micros) as make_timestamptz(micros);
set timezone = 'UTC';
