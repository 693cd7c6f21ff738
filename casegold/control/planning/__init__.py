"""Planning: what is due, from control state alone, asked as often as anybody likes.

Invariants: the same state gives the same answer, whoever asks. Whatever an outcome depends on is pinned in the scope of
its run. A published partition is made again only after its inputs or its rules changed, or after people approved it.
The planner owns no table: it asks for runs and for approvals.
"""

TABLES = ()
