-- Every table function of this DuckDB version.
select distinct function_name from duckdb_functions() where function_type = 'table'
