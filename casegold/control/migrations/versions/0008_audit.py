"""The audit trail is one chain, out of the owner's reach: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0008"
down_revision = "0007"

SCRIPTS = ("0008_audit_chain", "0008_audit_owner")


def upgrade() -> None:
    for name in SCRIPTS:
        execute(name)
