"""What a command costs before it does anything: which modules it loads, in an interpreter of its own.

Not here: seconds. They follow from the modules, and docs/performance.md has them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from casegold.runtime.settings import Settings

HEAVY = frozenset(
    {
        "adbc_driver_manager",
        "alembic",
        "confluent_kafka",
        "dagster",
        "duckdb",
        "fsspec",
        "jsonschema",
        "numpy",
        "pandas",
        "pandera",
        "polars",
        "psycopg2",
        "pyarrow",
        "pyiceberg",
        "sqlalchemy",
    }
)
OF_THE_DATABASE = frozenset({"psycopg", "psycopg_binary", "pydantic", "pydantic_core", "pydantic_settings", "yaml"})

REPORT = """
import json, sys
from casegold.cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def loaded_by(*arguments: str, **variables: str) -> set[str]:
    """The modules that are loaded once a command has ended well."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_help_loads_click_and_nothing_of_the_platform() -> None:
    modules = loaded_by("--help")
    assert packages(modules) & (HEAVY | OF_THE_DATABASE | {"rich", "asyncio", "email"}) == set()
    own = {name for name in modules if name.startswith("casegold.cli.")}
    assert own == {"casegold.cli.main"}, "no command is loaded"
    assert len(modules) < 170, "an interpreter with click has about 130"


def test_completion_of_a_dataset_asks_no_database() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "casegold.cli.main"],
        env={**os.environ, "_CASEGOLD_COMPLETE": "bash_complete", "COMP_WORDS": "casegold show ", "COMP_CWORD": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "plain,gold/case_daily_snapshot" in done.stdout.splitlines(), done.stderr
    assert packages(modules) & (HEAVY | OF_THE_DATABASE | {"rich"}) == set()


@pytest.mark.parametrize(
    "command",
    ["runs list", "versions", "holds", "plan", "facts held", "backfill list", "backfill audit", "waiver list"],
)
def test_a_command_that_asks_the_database_loads_its_client_and_no_engine(command: str, database: Settings) -> None:
    assert database.postgres_url is not None
    for form in ("table", "json"):
        modules = loaded_by(*command.split(), "--format", form)
        assert packages(modules) & HEAVY == set()
        assert ("rich" in packages(modules)) == (form == "table"), "only who prints a table waits for rich"
        assert len(modules) < 620, "rich, psycopg and pydantic are two thirds of them"


def test_status_asks_the_servers_and_loads_no_engine(settings: Settings) -> None:
    assert settings.kafka_bootstrap is not None
    assert packages(loaded_by("status")) & HEAVY == {"confluent_kafka"}, "which asks Kafka"
    assert packages(loaded_by("settings")) & HEAVY == set()
