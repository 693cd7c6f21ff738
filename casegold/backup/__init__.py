"""Backups of an installation: its database and the lake files that the database names. Not here: Kafka's topics."""
