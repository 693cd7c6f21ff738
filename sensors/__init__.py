"""Sensors: thin translations of ticks of the core (`casegold.runtime.ticks`) into Dagster run requests."""
