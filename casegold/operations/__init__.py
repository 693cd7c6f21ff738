"""What people and schedules ask of a running installation: standing checks, reconciliation, repairs, causes.

Work is requested, executed and recorded like any run. Not here: how an answer is printed (`cli`) or shown in Dagster
(`platform_assets`).
"""
