select table_namespace || '/' || table_name as dataset, metadata_location
from iceberg.iceberg_tables
where catalog_name = %(catalog)s
order by 1
