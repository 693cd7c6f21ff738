"""Dagster resources over the core: thin access, no logic."""
