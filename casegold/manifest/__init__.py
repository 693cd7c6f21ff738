"""Control state in Postgres: run manifests, ledgers, claims, versions, holds; and the planner that reads them.

Here belongs every SQL statement on the control schema. Not here: Kafka, Iceberg, files, or any computing of figures.
"""
