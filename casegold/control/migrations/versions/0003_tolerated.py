"""Tolerances of contracts: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    execute("0003_tolerated")
