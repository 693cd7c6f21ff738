"""Sensors: thin adapters from ticks of the core (`casegold.scheduling.ticks`) to Dagster run requests."""
