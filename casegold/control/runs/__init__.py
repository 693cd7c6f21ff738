"""Runs: a manifest says what a bounded piece of work is, attempts try it, a claim says who may write its dataset.

Invariants: the same work has the same run id. A dataset has at most one open manifest of a pipeline and at most one
claim; every write of a run first asserts its claim in the same transaction. An attempt has a lease from the moment it
is requested: one without a heartbeat is ended by whoever looks next, and `retry` alone says what follows.
"""

TABLES = ("run_manifest", "run_attempt", "run_decision", "dataset_claim")
