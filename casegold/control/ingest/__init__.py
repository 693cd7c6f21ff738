"""Ingest: epochs and positions of topics, commits and their contents, held facts, control totals.

Invariants: positions move in the transaction that completes a commit, so that each record counts once. A chunk has
the same serial number in bronze and silver. Ingest of a recreated or truncated topic goes on only after a person
accepted the new epoch, and after a loss of records only once a person accepted the loss.
"""

TABLES = (
    "trigger_ledger",
    "source_epoch",
    "source_position",
    "source_loss",
    "ingest_commit",
    "ingest_source_range",
    "ingest_dates",
    "ingest_rejected_dates",
    "fact_admission",
    "event_conflict",
    "control_total",
    "effect_ledger",
)
