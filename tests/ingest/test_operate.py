"""What a person on duty may do from the command line: close a date, set the clock, retry a run."""

from __future__ import annotations

from datetime import date

import pytest

from casegold.cli.main import run
from casegold.control import installation
from casegold.control.model import RunManifest, RunState
from casegold.control.runs import attempt_results, attempts, manifests
from casegold.domain.errors import ExitClass
from casegold.jobs.day_close import last_over_of
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from tests.ingest.register import EVENTS, TOTALS, next_attempt, read, send, send_totals, totals_of

FIRST = date(2026, 3, 1)


@pytest.fixture
def platform(settings: Settings) -> Platform:
    opened = open_platform(settings)
    installation.set_business_clock(opened.control, "2026-03-04T00:00:00Z", "test")
    return opened


def test_days_are_told_and_closed(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    assert next_attempt(platform, EVENTS) is None
    send_totals(platform, totals_of([FIRST])[:3])
    read(platform, TOTALS)
    assert run(["days", "status"]) == ExitClass.SUCCESS
    told = capsys.readouterr().out
    assert "2026-03-01" in told
    assert "control totals of urn:regulator:case-system for" in told
    assert "Overdue" in told
    assert run(["days", "close", "2026-03-02", "--reason", "no order"]) == ExitClass.CONFIGURATION
    assert run(["days", "close", "2026-03-01", "--reason", " "]) == ExitClass.CONFIGURATION
    assert run(["days", "close", "2026-03-01", "--reason", "the source is gone"]) == ExitClass.SUCCESS
    assert platform.control.rows("select reason from day_close") == [{"reason": "the source is gone"}]


def test_the_clock_is_set_with_a_reason(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clock", "fix", "2012-01-24T00:00:00Z", "--reason", "an old log"]) == ExitClass.SUCCESS
    assert last_over_of(platform) == date(2012, 1, 23)
    assert "2012-01-23" in capsys.readouterr().out
    assert run(["clock", "fix", "2012-01-24", "--reason", "no offset"]) == ExitClass.CONFIGURATION
    assert run(["clock", "fix", "2012-01-24T00:00:00Z"]) == ExitClass.CONFIGURATION
    assert run(["clock", "system", "--reason", "live"]) == ExitClass.SUCCESS
    capsys.readouterr()
    assert run(["clock", "show"]) == ExitClass.SUCCESS
    told = capsys.readouterr().out
    assert told.index("live") < told.index("an old log")


def _failed(platform: Platform) -> RunManifest:
    send(platform, platform.settings.totals_topic, [(None, b"{}")])
    attempt = next_attempt(platform, TOTALS)
    assert attempt is not None
    with platform.control.write("by a test") as connection:
        attempts.fail_launch(connection, attempt, "test")
        attempt_results.end_manifest(connection, attempt.run_id, RunState.FAILED, {"error": "test"})
        return manifests.manifest(connection, attempt.run_id)


def test_a_failed_run_is_opened_again(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    failed = _failed(platform)
    assert run(["retry", "zz", "--reason", "r"]) == ExitClass.CONFIGURATION
    assert "no run begins with 'zz'" in capsys.readouterr().err
    assert run(["retry", failed.run_id[:8], "--reason", "the broker is back"]) == ExitClass.SUCCESS
    with platform.control.write("by a test") as connection:
        assert manifests.manifest(connection, failed.run_id).state is RunState.OPEN
    assert run(["retry", failed.run_id[:8], "--reason", "again"]) == ExitClass.CONFIGURATION
    assert read(platform, TOTALS).summary["rejected"] == 1


def test_a_run_beside_an_open_one_is_not_opened_again(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    failed = _failed(platform)
    send(platform, platform.settings.totals_topic, [(None, b"{}")])
    assert next_attempt(platform, TOTALS) is not None
    assert run(["retry", failed.run_id, "--reason", "r"]) == ExitClass.CONFIGURATION
    assert "is open" in capsys.readouterr().err


def test_a_run_is_cancelled_once_and_opened_again(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    send(platform, platform.settings.totals_topic, [(None, b"{}")])
    attempt = next_attempt(platform, TOTALS)
    assert attempt is not None
    assert run(["cancel", attempt.run_id[:12]]) == ExitClass.CONFIGURATION, "say why"
    assert run(["cancel", attempt.run_id[:12], "--reason", "wrong topic"]) == ExitClass.SUCCESS
    assert "casegold retry" in capsys.readouterr().out
    assert run(["cancel", attempt.run_id[:12], "--reason", "again"]) == ExitClass.CONFIGURATION
    assert "CANCELLED: there is nothing to cancel" in capsys.readouterr().err
    assert run(["retry", attempt.run_id[:12], "--reason", "right after all"]) == ExitClass.SUCCESS
    assert read(platform, TOTALS).summary["rejected"] == 1
