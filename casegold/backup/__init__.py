"""Backups of an installation: its database, and the lake files that it references. Not here: Kafka's topics."""
