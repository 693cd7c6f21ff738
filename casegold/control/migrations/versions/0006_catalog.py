"""The tables of the Iceberg catalog: see the SQL file of the same name."""

from casegold.control.migrations.scripts import execute

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute("0006_catalog")
