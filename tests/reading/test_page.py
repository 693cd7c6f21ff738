"""docs/reading.md and examples/reading.ipynb as a reader outside runs them, on a lake with two published versions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
import pytest
from nbclient import NotebookClient

from casegold.control.changes import people
from casegold.control.db import ControlDb
from casegold.runtime.settings import PREFIX, Settings
from casegold.runtime.shipped import REPOSITORY
from tests.conftest import own_database, own_topics
from tests.e2e.installation import SNAPSHOT, Installation, command

PAGE = REPOSITORY / "docs" / "reading.md"
NOTEBOOK = REPOSITORY / "examples" / "reading.ipynb"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LAST = date(2026, 3, 31)
LETTER = {
    "specversion": "1.0",
    "id": "letter",
    "source": "urn:regulator:case-system",
    "type": "CaseEscalated",
    "time": "2026-03-30T10:00:00Z",
    "dataschema": "urn:casegold:event:CaseEscalated:1.0",
    "data": {"level": 3, "reason": "a letter"},
}

SAYS = """
import json
print(json.dumps({
    "cases": len(day), "version": number, "head": snapshot_id == table.current_snapshot().snapshot_id,
    "levels": [sum(rows["escalation_level"].to_pylist()) for rows in (before, after)],
    "duckdb": sum(cases for when, _, cases in by_date if str(when) == "2026-03-31"),
    "open": int(open_cases["len"].sum()), "open in pandas": int((day["status"] != "CLOSED").sum()),
}))
for wrong in (lambda: version(table, 3), lambda: as_of(table, datetime(2020, 1, 1, tzinfo=UTC))):
    try:
        wrong()
    except LookupError:
        continue
    raise AssertionError("an unknown version is an error, not an empty table")
"""
"""What the page's code found, printed after its last block."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Rita's machine: her home directory with the catalog's settings, and her password."""

    home: Path
    password: str

    def environment(self) -> dict[str, str]:
        """Nothing of the platform's own settings is in it."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return own | {"HOME": str(self.home), "PGPASSWORD": self.password}


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE.read_text("utf-8")) if found == kind]


@pytest.fixture(scope="module")
def installation(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A month of dates, of which a late letter restates the last two."""
    home = tmp_path_factory.mktemp("reading")
    clock = {"business_clock": "2026-04-01T00:00:00Z"}
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        own_database(servers, home, monkeypatch, clock) as database,
        own_topics(database) as settings,
    ):
        made = Installation(settings)
        command("simulate", "--cases", 60, "--days", 10, "--seed", 5, "--until", LAST, "--late", 0)
        made.work()
        case = made.rows(SNAPSHOT, LAST, LAST)[0]["case_id"]
        (home / "letter.jsonl").write_text(json.dumps(LETTER | {"subject": case}) + "\n", encoding="utf-8")
        command("send", home / "letter.jsonl")
        made.work()
        assert made.version_numbers(SNAPSHOT) == [1, 2]
        yield made


@pytest.fixture(scope="module")
def rita(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The page's commands, for a login that no other test has."""
    login = f"rita_{uuid4().hex[:8]}"
    (script,) = blocks("sh")
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", re.sub(r"\brita\b", login, script)],
        env=environment,
        check=True,
        text=True,
        capture_output=True,
    )
    password, _, catalog = done.stdout.partition("\n")
    home = tmp_path_factory.mktemp("rita")
    (home / ".pyiceberg.yaml").write_text(catalog, encoding="utf-8")
    yield Reader(home, password)
    people.remove(ControlDb(installation.platform.settings.owner_url()), login)


def test_the_page_reads_what_it_says(installation: Installation, rita: Reader) -> None:
    script = "\n".join([*blocks("python"), SAYS])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=rita.environment(),
        cwd=rita.home,
        check=False,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    states = [installation.rows(SNAPSHOT, LAST, LAST, version=number) for number in (1, 2)]
    levels = [sum(row["escalation_level"] for row in rows) for rows in states]
    still_open = sum(row["status"] != "CLOSED" for row in states[1])
    assert levels[0] != levels[1], "the letter makes a difference"
    assert found == {
        "cases": len(states[1]),
        "version": 2,
        "head": True,
        "levels": levels,
        "duckdb": len(states[1]),
        "open": still_open,
        "open in pandas": still_open,
    }


def test_the_notebook_draws_three_charts(rita: Reader) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    assert all(not cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(rita.home)}}).execute(
        env=rita.environment()
    )
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert "gold.case_daily_snapshot, version v000002" in "".join(output.get("text", "") for output in outputs)
