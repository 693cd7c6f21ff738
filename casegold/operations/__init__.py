"""What people and nightly schedules ask of a running installation: standing checks, reconciliation, repairs, causes.

Each is asked for, executed and recorded like any run. Not here: how an answer is printed (`cli`) or shown in Dagster
(`platform_assets`).
"""
