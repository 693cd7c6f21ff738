"""The owner and the login that the platform runs under are two: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    execute("0007_roles")
