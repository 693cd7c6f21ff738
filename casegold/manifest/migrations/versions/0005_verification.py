"""Verifications of published versions: see the SQL file of the same name."""

from importlib.resources import files

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    script = files("casegold.manifest.migrations.versions").joinpath("0005_verification.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))
