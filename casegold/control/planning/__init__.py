"""Planning: what is due, decided from control state alone; idempotent.

Invariants: the same state gives the same answer. Everything that an outcome depends on is pinned in the scope of its
run. A published partition is recomputed only after its inputs or its rules changed, or after people approved it. The
planner owns no table: it requests runs and approvals.
"""

TABLES = ()
