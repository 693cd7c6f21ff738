"""Dagster resources for the core: thin access, no logic."""
