"""Sensors: thin translations of ticks of the core (`casegold.scheduling.ticks`) into Dagster run requests."""
