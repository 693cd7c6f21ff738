"""Integrity: standing checks, the audit trail, verifications, repairs, and what maintenance may remove.

Invariants: a check gives an exact count and a bounded sample, and no answer counts as red. A repair is recorded before
it is made. Maintenance removes nothing that a version names which is official or may become so.
"""

TABLES = ("reconciliation", "verification", "repair", "restoration")
