-- Every function of this DuckDB that gives rows.
select distinct function_name from duckdb_functions() where function_type = 'table'
