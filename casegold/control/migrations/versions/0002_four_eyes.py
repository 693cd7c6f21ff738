"""People, and approval by four eyes: see the SQL files of the same number. They run in this order."""

from casegold.control.migrations.scripts import execute

revision = "0002"
down_revision = "0001"

SCRIPTS = ("0002_people", "0002_backfills", "0002_backfill_functions", "0002_waivers", "0002_facts", "0002_rights")


def upgrade() -> None:
    for name in SCRIPTS:
        execute(name)
