"""One way to answer: every command that prints a table prints the same as JSON, and nothing else beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from casegold.cli.main import ENTRIES, casegold
from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError
from casegold.runtime.settings import Settings
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command, operator_and_steward
from tests.history.story import FIRST, LAST, OVERRIDES, send_late, tell

LISTS = [
    "versions",
    "holds",
    "plan",
    "runs list",
    "status",
    "up",
    "settings",
    "failpoints",
    "user list",
    "backfill list",
    "backfill audit",
    "waiver list",
    "waiver audit",
    "facts held",
    "facts show",
    "source status",
    "source losses",
    "impact",
    "maintain",
    "reconcile",
    "show",
    "check-events",
    "verify",
    "backup create",
    "backup list",
    "backup verify",
]
ONE_THING = ["runs show", "diff", "causes", "clock show", "days status", "backfill status", "backfill plan", "rebuild"]
NO_ANSWER = [
    "demo",
    "dev",
    "down",
    "simulate",
    "import-log",
    "send",
    "work",
    "relay",
    "retry",
    "cancel",
    "republish",
    "release",
    "env",
    "completion",
    "clock fix",
    "clock system",
    "source accept-epoch",
    "source accept-loss",
    "days close",
    "user add",
    "user remove",
    "user catalog",
    "user check",
    "audit head",
    "audit verify",
    "backup prune",
    "restore",
    "product new",
    "product check",
    "backfill request",
    "backfill approve",
    "backfill reject",
    "backfill cancel",
    "backfill pause",
    "backfill resume",
    "backfill execute",
    "facts admit",
    "facts reject",
    "waiver request",
    "waiver approve",
]
"""Commands that act and say a sentence, send, or print what another program reads: no table."""


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every command that can be given, with its whole name."""
    context = click.Context(casegold)
    for name in ENTRIES:
        command = casegold.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", command.commands[inner]) for inner in command.commands)
        else:
            yield name, command


def test_each_command_has_its_place() -> None:
    """A new command that lists is `@listed`, one that tells of one thing `@described`: then name it above."""
    answering = {name for name, each in leaves() if any(option.name == "form" for option in each.params)}
    assert answering == {*LISTS, *ONE_THING}
    assert {name for name, _ in leaves()} - answering == {*NO_ANSWER}


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@pytest.fixture
def asked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[dict[str, tuple[object, ...]]]:
    """A real installation with something in every list, and what each command needs besides."""
    installation = tell(settings)
    send_late(settings, "very-late", FIRST)
    installation.work()
    events = tmp_path / "events.jsonl"
    command("simulate", "--cases", 2, "--days", 2, "--seed", 1, "--until", LAST, "--to", events)
    events.write_text(events.read_text() + '{"no": "event"}\n')
    with operator_and_steward(ControlDb(settings.owner_url()), monkeypatch) as (ann, _):
        command("waiver", "request", SNAPSHOT, "completeness", LAST, "--reason", "try", "--as", ann)
        (request, *_) = json.loads(command("backfill", "list", "--format", "json"))
        run = json.loads(command("runs", "list", "--dataset", SNAPSHOT, "--format", "json"))[0]["run"]
        yield {
            "facts show": ("very-late",),
            "impact": ("--dataset-version", SNAPSHOT, 1),
            "maintain": ("--dry-run",),
            "show": (SNAPSHOT, "--partition", LAST),
            "check-events": (events,),
            "verify": (SNAPSHOT, "--partition", LAST),
            "runs show": (run,),
            "diff": (SNAPSHOT, 1, 2),
            "causes": (SNAPSHOT, 2),
            "backfill status": (request["request"],),
            "backfill plan": ("--dry-run", SNAPSHOT, FIRST, LAST),
            "backup create": (tmp_path / "backup",),
            "backup list": (tmp_path / "backup",),
            "backup verify": (tmp_path / "backup",),
            "rebuild": ("silver/case_events", "--reason", "try"),
        }


def answer(*arguments: object) -> tuple[str, str]:
    """What a command prints on standard output, and on standard error."""
    done = CliRunner().invoke(casegold, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), (arguments, done.exception)
    return done.stdout, done.stderr


def test_every_table_is_json_too(asked: dict[str, tuple[object, ...]]) -> None:
    may_be_empty = {"holds", "source losses", "user list", "backup verify"}
    for name in LISTS:
        found = json.loads(answer(*name.split(), *asked.get(name, ()), "--format", "json")[0])
        assert isinstance(found, list) and (found or name in may_be_empty), name
        assert all(isinstance(each, dict) and each.keys() == found[0].keys() for each in found), name
        assert answer(*name.split(), *asked.get(name, ()))[0].strip(), f"{name} prints a table"
    for name in ONE_THING:
        found = json.loads(answer(*name.split(), *asked.get(name, ()), "--format", "json")[0])
        assert isinstance(found, dict) and found, name
        assert answer(*name.split(), *asked.get(name, ()))[0].strip(), f"{name} prints a table"

    (newest, *_) = values("runs", "list", "--limit", 1)
    assert len(newest["run"]) == 64 and isinstance(newest["attempt"], int) and isinstance(newest["seconds"], float)
    assert newest["asked_at"].endswith("Z")
    versions = values("versions", SNAPSHOT)
    assert versions[-1]["range"] == {"first": FIRST.isoformat(), "last": LAST.isoformat()}
    assert isinstance(versions[0]["why"], list)
    row = values("show", SNAPSHOT, "--partition", LAST)[0]
    assert isinstance(row["breached"], bool) and isinstance(row["event_count"], int)
    assert row["opened_at"].endswith("Z") and None in row.values()
    assert values("versions", REPORT, "--limit", 1, "--columns", "version,run")[0].keys() == {"version", "run"}

    out, remark = answer("versions", SNAPSHOT, "--limit", 1)
    assert "--limit shows more" in remark and "--limit" not in out, "nobody takes a part for the whole"
    assert len(values("versions", SNAPSHOT)) == 2, "JSON has all unless it is told otherwise"


def values(*arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer(*arguments, "--format", "json")[0])
    return found


def test_rows_of_a_partition_are_chosen_and_paged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    installation: Installation = tell(settings)
    show = ("show", SNAPSHOT, "--partition", LAST)
    every = values(*show)
    assert len(every) == len(installation.rows(SNAPSHOT, LAST, LAST))
    pages = [values(*show, "--offset", offset, "--limit", 10) for offset in range(0, len(every), 10)]
    assert [row for page in pages for row in page] == every
    assert list(values(*show, "--columns", "status,case_id")[0]) == ["status", "case_id"]
    assert answer(*show, "--columns", "case_id", "--format", "csv")[0].split() == [
        "case_id",
        *(row["case_id"] for row in every),
    ]
    with pytest.raises(ConfigurationError, match="no column 'priorty'") as error:
        command(*show, "--columns", "priorty")
    assert "did you mean priority?" in str(error.value)
    with pytest.raises(ConfigurationError, match=f"has {len(every)} rows"):
        command(*show, "--offset", len(every))

    monkeypatch.setenv("COLUMNS", "80")
    blocks, remark = answer(*show, "--limit", 2)
    assert f"case_id                 {every[0]['case_id']}\n" in blocks, "a line for each value, none cut"
    assert f"{len(every) - 2} more rows: --offset 2" in remark
    side_by_side = answer(*show, "--limit", 2, "--columns", "case_id,status")[0].splitlines()
    assert side_by_side[1].split() == ["case_id", "status"]
