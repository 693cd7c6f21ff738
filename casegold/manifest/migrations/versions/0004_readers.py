"""Rights of those who read the lake from outside: see the SQL file of the same name."""

from importlib.resources import files

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    script = files("casegold.manifest.migrations.versions").joinpath("0004_readers.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))
