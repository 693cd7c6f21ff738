"""Rights of those who read the lake from outside: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute("0004_readers")
