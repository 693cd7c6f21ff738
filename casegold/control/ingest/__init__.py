"""Ingest: epochs and positions of topics, commits and what they brought, facts that are held back, control totals.

Invariants: positions move in the transaction that completes a commit, so that a record is counted once. One serial
number leads a chunk from bronze to silver. A topic that was recreated or truncated is read on only after a person
accepted its new epoch, and a loss only after a person accepted the loss.
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
