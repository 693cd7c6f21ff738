"""Daily case snapshots: SQL files that fold facts to states and evaluate states at the ends of dates, and thin callers.

The SQL is one text for DuckDB and Spark. Not here: reading or writing tables, choosing dates, time zones.
The meaning of every column is in `docs/case-semantics.md`.
"""
