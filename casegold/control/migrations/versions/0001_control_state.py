"""The control state: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute("0001_control_state")
