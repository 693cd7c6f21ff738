"""Runs the SQL files of the revisions. Not here: which revision has which."""

from importlib.resources import files

from alembic import op


def execute(name: str) -> None:
    """Execute `versions/<name>.sql` in the transaction of the migration."""
    script = files("casegold.control.migrations.versions").joinpath(f"{name}.sql")
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8").replace("%", "%%"))
