"""A run that is cancelled at the worst moments: what it sent before stands and is settled, nothing else counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from casegold.control.db import ControlDb
from casegold.control.model import Pipeline
from casegold.control.runs import interventions, manifests
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.scheduling.worker import run_until_idle
from products.case_daily_snapshot import build
from tests.crash.restarts import let_time_pass, one_life
from tests.e2e.installation import SNAPSHOT, command

LAST = date(2024, 2, 29)


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {"first_date": "2024-02-25", "business_clock": "2024-03-01T00:00:00+00:00"}


def send(seed: int = 1, *options: object) -> None:
    command("simulate", "--cases", 10, "--days", 4, "--seed", seed, "--until", LAST, *options)


def versions(control: ControlDb) -> list[tuple[int, str, str]]:
    rows = control.rows(
        "select v.version, v.state, m.state as run from dataset_version v join run_manifest m using (run_id)"
        " where v.dataset = %(dataset)s order by v.version",
        {"dataset": SNAPSHOT},
    )
    return [(row["version"], row["state"], row["run"]) for row in rows]


def test_a_run_cancelled_after_its_commit_is_settled_and_not_asked_for_again(settings: Settings) -> None:
    control = ControlDb(settings.control_url())
    send()
    assert one_life("publish-commit.after:kill").fired
    assert versions(control) == [(1, "PREPARED", "OPEN")]
    (row,) = control.rows("select run_id from run_manifest where state = 'OPEN'")
    said = command("cancel", row["run_id"][:12], "--reason", "too early")
    assert "casegold retry" in said
    assert control.rows("select from dataset_claim") == []
    let_time_pass(control)
    platform = open_platform(settings)
    assert run_until_idle(platform).waiting == ()
    assert versions(control) == [(1, "COMPLETED", "CANCELLED")], "it is on main: nothing unsends it"
    send(1, "--totals-revision", 2)  # the same events: a new scope, whose figures are those of the version on main
    assert run_until_idle(platform).waiting == ()
    assert versions(control) == [(1, "COMPLETED", "CANCELLED")]


def test_a_run_cancelled_while_it_computes_publishes_nothing_until_a_person_retries(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = open_platform(settings)
    send()
    compute = build.snapshot_rows

    def cancelled_meanwhile(*arguments: Any) -> Any:
        (run,) = [each for each in _open(platform.control) if each.pipeline is Pipeline.SNAPSHOT]
        with platform.control.write("by a test") as connection:
            interventions.cancel(connection, run.run_id, "ann", "too early")
        return compute(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(build, "snapshot_rows", cancelled_meanwhile)
        idle = run_until_idle(platform)
    assert "cancelled by ann: too early" in idle.executions[-1].message
    assert idle.waiting == ()
    assert versions(platform.control) == []
    (row,) = platform.control.rows("select run_id from run_manifest where state = 'CANCELLED'")
    command("retry", row["run_id"], "--reason", "now")
    run_until_idle(platform)
    assert versions(platform.control) == [(1, "COMPLETED", "SUCCEEDED")]


def _open(control: ControlDb) -> list[Any]:
    with control.read() as connection:
        return manifests.open_manifests(connection)
