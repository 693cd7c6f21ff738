"""Cures of tables: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    execute("0010_cures")
