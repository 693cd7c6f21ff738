"""Changes of official figures that people decide: backfills, replays, shadows, admissions of held facts, waivers.

Invariants: who asks does not approve, and who approves approves one plan by its digest. The database enforces this in
functions of its own (migrations 0002 and 0008); requests, approvals and the trail are written by them alone. A begun
backfill goes on from what is there: nothing waits in memory.
"""

TABLES = (
    "person_login",
    "person_password",
    "approval_rule",
    "backfill_request",
    "backfill_approval",
    "backfill_audit",
    "waiver",
    "waiver_audit",
    "replay",
    "shadow",
    "shadow_partition",
    "audit_source",
    "audit_link",
    "audit_lock",
)
