"""Verifications of published versions: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    execute("0005_verification")
