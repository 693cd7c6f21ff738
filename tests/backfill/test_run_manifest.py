"""`casegold runs show`: what an auditor is told of every kind of run follows its schema, and leaves nothing out."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from casegold.domain import failpoints
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import CaseEvent
from casegold.domain.failpoints import FailPointReached
from casegold.reference.run_manifest_page import page
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import REPOSITORY, RUN_MANIFEST_SCHEMA
from casegold.scheduling.ticks import backfill_requests_tick
from tests.backfill import test_asked_on_kafka as on_kafka
from tests.backfill.conftest import BEYOND_GRACE, LAST, Folk
from tests.e2e.installation import SNAPSHOT, Installation, command
from tests.e2e.test_late_facts import evidence, send

SCHEMA = json.loads(RUN_MANIFEST_SCHEMA.read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)

Manifest = dict[str, Any]


def manifests() -> dict[str, Manifest]:
    """Every run of the installation, as the command tells it, by its id; each follows the schema."""
    found = {}
    for run in json.loads(command("runs", "list", "--format", "json")):
        text = command("runs", "show", run["run"], "--format", "json")
        assert command("runs", "show", run["run"], "--format", "json") == text, "asked twice, the same text"
        manifest = json.loads(text)
        VALIDATOR.validate(manifest)
        assert run["run"] in command("runs", "show", run["run"]), "people see it, too"
        found[run["run"]] = manifest
    return found


def of(found: dict[str, Manifest], pipeline: str, **fields: object) -> Manifest:
    """The one manifest of a pipeline with these fields."""
    (one,) = [
        each for each in found.values() if each["pipeline"] == pipeline and fields.items() <= each.items()
    ]  # fmt: skip
    return one


def test_the_schema_is_one_and_its_page_is_current() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    written = (REPOSITORY / "docs" / "run-manifest.md").read_text("utf-8")
    assert written == page(), "run `make manifest-page`"


def test_an_official_run_tells_who_asked_why_what_it_read_and_what_it_made(installation: Installation) -> None:
    command("maintain", SNAPSHOT)
    command("verify", SNAPSHOT, "--partition", LAST)
    found = manifests()
    assert sorted(each["pipeline"] for each in found.values()) == [
        "ingest",
        "maintenance",
        "report",
        "snapshot",
        "totals",
    ]
    ingest, snapshot, report = (of(found, each) for each in ("ingest", "snapshot", "report"))

    (commit,) = ingest["ingested"]
    assert commit["records"] == sum(each["end"] - each["start"] for each in commit["ranges"])
    assert ingest["validation"]["verdict"] == "NOT_JUDGED" and ingest["versions"] == []

    assert (snapshot["requested_by"], snapshot["mode"], snapshot["state"]) == ("casegold", "NORMAL", "SUCCEEDED")
    assert snapshot["caused_by"] and snapshot["owners"][0].startswith("team:")
    (attempt,) = snapshot["attempts"]
    assert (attempt["exit_class"], attempt["exit_name"], attempt["state"]) == (0, "SUCCESS", "SUCCEEDED")
    assert snapshot["validation"]["verdict"] == "PASSED"
    judged = {(each["partition"], each["check"]) for each in snapshot["validation"]["checks"] if each["required"]}
    required = installation.platform.contracts[SNAPSHOT].required_checks()
    assert len(judged) == 20 * len(required) == snapshot["validation"]["required"]
    (version,) = snapshot["versions"]
    assert (version["version"], version["partitions"], len(version["partition_states"])) == (1, 20, 20)
    assert version["rows"] == sum(each["rows"] for each in version["partition_states"])
    assert {each["dataset"] for each in snapshot["inputs"]} == {"silver/case_events", "bronze/control_totals"}
    assert len(snapshot["day_closes"]) == 20
    (verified,) = snapshot["verifications"]
    assert (verified["outcome"], verified["partition"]) == ("VERIFIED", LAST.isoformat())
    (announced,) = snapshot["announcements"]
    assert announced["event_type"] == "DatasetVersionPublished"

    (made_of,) = [each for each in report["inputs"] if each["dataset"] == SNAPSHOT]
    assert (made_of["version"], made_of["last"]) == (1, LAST.isoformat())
    (month,) = report["versions"][0]["partition_states"]
    assert {each["media_type"].partition(";")[0] for each in month["artifacts"]} == {"text/csv", "text/html"}
    assert report["day_closes"] == snapshot["day_closes"], "of the whole month, of which the register has these"


def test_a_backfill_tells_the_event_that_asked_the_facts_it_admitted_and_who_approved(
    installation: Installation, folk: Folk, settings: Settings, simulated: list[CaseEvent]
) -> None:
    send(settings, evidence("very-late", simulated[0].case_id, BEYOND_GRACE))
    installation.work()
    admitting = folk.open_request()
    folk.begin(admitting)
    installation.work()
    on_kafka.send(installation, "a1", on_kafka.wish())
    on_kafka.send(installation, "a1", on_kafka.wish())
    backfill_requests_tick(installation.platform)
    asked = folk.open_request()
    folk.begin(asked)
    installation.work()
    found = manifests()

    admission = of(found, "admission")
    assert [each["kind"] for each in admission["ingested"]] == ["ADMISSION"]
    assert admission["backfill"]["backfill_run_id"] == admitting
    assert [each["person"] for each in admission["backfill"]["approvals"]] == ["bob"]
    assert admission["triggers"] == [], "nobody asked on Kafka for this one"

    again = [each for each in found.values() if (each["backfill"] or {}).get("backfill_run_id") == asked]
    assert again
    for run in again:
        (trigger,) = run["triggers"]
        assert (trigger["source"], trigger["event_id"], trigger["duplicates"]) == ("urn:audit", "a1", 1)
        assert run["mode"] == "BACKFILL"
        assert run["backfill"]["planned_person"] == "ann" and run["backfill"]["requested_person"] is None


def test_a_failed_run_tells_its_error_and_who_opened_it_again_and_a_held_one_its_checks(
    installation: Installation, settings: Settings, simulated: list[CaseEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(settings, evidence("late-letter", simulated[0].case_id, LAST - timedelta(days=2)))
    monkeypatch.setattr(failpoints, "_armed", None)
    failpoints.arm("stage-commit.before:raise")
    with pytest.raises(FailPointReached):
        installation.work()
    failpoints.arm("")
    failed = of(manifests(), "snapshot", state="FAILED")
    assert [each["exit_name"] for each in failed["attempts"]] == ["BUG"]
    assert failed["attempts"][0]["message"] and failed["versions"] == []

    command("retry", failed["run_id"][:12], "--reason", "the fault was injected")
    installation.work()
    retried = manifests()[failed["run_id"]]
    assert [(each["decision"], each["reason"]) for each in retried["decisions"]] == [
        ("RETRY", "the fault was injected")
    ]
    assert [each["exit_class"] for each in retried["attempts"]] == [50, 0]
    assert retried["versions"][0]["attempt"] == 2

    same = ("--cases", 60, "--days", 20, "--seed", 3, "--until", LAST, "--duplicates", 0, "--out-of-order", 0)
    command("simulate", *same, "--totals-revision", 2, "--totals-error", LAST)
    installation.work()
    held = of(manifests(), "snapshot", state="HELD")
    assert held["validation"]["verdict"] == "FAILED"
    failing = [each for each in held["validation"]["checks"] if each["status"] == "FAILED"]
    assert {(each["check"], each["partition"]) for each in failing} == {("completeness", LAST.isoformat())}
    (hold,) = held["holds"]
    assert (hold["kind"], hold["released_at"]) == ("GATE", None)
    assert [each["event_type"] for each in held["announcements"]] == ["QualityViolationDetected"]
    assert "completeness" in command("runs", "show", held["run_id"])

    assert [run["state"] for run in json.loads(command("runs", "list", "--state", "held", "--format", "json"))] == [
        "HELD"
    ]
    since = retried["requested_at"]
    newer = json.loads(command("runs", "list", "--dataset", SNAPSHOT, "--since", since, "--format", "json"))
    assert [run["run"] for run in newer] == [held["run_id"], failed["run_id"]], "newest first"
    assert len(re.findall("SUCCEEDED", command("runs", "list", "--limit", 1))) <= 1
    with pytest.raises(ConfigurationError, match="no run begins with 'zz'"):
        command("runs", "show", "zz")
