-- PyIceberg makes its catalog's tables at first use, and two processes that come at once get a unique violation out of
-- `create table`. So they are made here, as PyIceberg 0.12 and Iceberg's JDBC catalog (schema version 1) make them; an
-- older installation has them already.
create table if not exists iceberg.iceberg_tables (
    catalog_name               varchar(255) not null,
    table_namespace            varchar(255) not null,
    table_name                 varchar(255) not null,
    metadata_location          varchar(1000),
    previous_metadata_location varchar(1000),
    iceberg_type               varchar(5),
    primary key (catalog_name, table_namespace, table_name)
);

create table if not exists iceberg.iceberg_namespace_properties (
    catalog_name   varchar(255)  not null,
    namespace      varchar(255)  not null,
    property_key   varchar(255)  not null,
    property_value varchar(1000) not null,
    primary key (catalog_name, namespace, property_key)
);
