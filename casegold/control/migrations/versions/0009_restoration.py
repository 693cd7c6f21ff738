"""Restorations, after which version numbers go on above all that were ever given: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    execute("0009_restoration")
