"""Runs: a manifest describes a bounded piece of work, attempts execute it, a claim lets one of them write its dataset.

Invariants: the same work has the same run id. A dataset has at most one open manifest of a pipeline and at most one
claim; every write of a run first asserts its claim in the same transaction. An attempt has a lease from its
request on: the next process that looks ends an attempt without a heartbeat, and `retry` alone decides what follows.
"""

TABLES = ("run_manifest", "run_attempt", "run_decision", "dataset_claim")
