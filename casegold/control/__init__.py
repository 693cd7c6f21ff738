"""Control state in PostgreSQL: what was asked for, what is under way, what is official, and who decided what.

Each room owns tables and is the only one that writes them; any room may read any table. The queries of a room stand in
its `queries.sql`. Imports lead from the planner down to runs: planning, integrity, changes, versions and days, ingest,
runs. Here, beside the rooms: the connection, its pool, the migrations, and the settings of an installation that never
change. Not here: Kafka, Iceberg, files, or any computing of figures.
"""

TABLES = ("setting", "setting_history")
