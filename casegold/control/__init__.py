"""Control state in PostgreSQL: what was requested, what is under way, what is official, and who decided what.

Each room owns tables and is the only one that writes them; any room may read any table. A room's queries are in its
`queries.sql`. A room imports only rooms below it: planning, integrity, changes, versions and days, ingest, runs. This
package itself has the connection, its pool, the migrations, and the settings of the installation. Not here: Kafka,
Iceberg, files, computing figures.
"""

TABLES = ("setting", "setting_history")
