"""Integrity: standing checks, the audit trail, verifications, repairs, and what maintenance may remove.

Invariants: a check gives an exact count and a bounded sample; a check without an answer counts as red. A repair is
recorded before it is made. Maintenance keeps every file of a version that is official or may become official.
"""

TABLES = ("reconciliation", "verification", "repair", "restoration")
