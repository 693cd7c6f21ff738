"""Changes of official figures that people decide: backfills, replays, shadows, admissions of held facts, waivers.

Invariants: nobody approves their own request, and an approval is for one plan, by its digest. Functions in the database
enforce this (migrations 0002 and 0008); they alone write requests, approvals and the audit trail. Stored state decides
each step of a backfill: nothing waits in memory.
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
