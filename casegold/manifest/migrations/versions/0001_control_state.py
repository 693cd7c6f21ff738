"""The control state: see the SQL file of the same name."""

from importlib.resources import files

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    script = files("casegold.manifest.migrations.versions").joinpath("0001_control_state.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))
