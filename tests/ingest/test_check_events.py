"""`casegold check-events` says what ingest then does, record by record, and touches nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AdminClient

from casegold.cli.check import check_events
from casegold.domain.events import CaseEvent, Rejection, RejectReason
from casegold.jobs.ingest import BRONZE, REJECTED, SILVER
from casegold.operations.event_check import Verdict
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.source.codec import Encoded, Encoding
from casegold.source.kafka import describe_topic
from casegold.source.remedies import REMEDIES, field_of
from tests.ingest.events import correction, event, record_of, retyped, send_events
from tests.ingest.register import TOTALS, read, rows, send, send_totals, total

DOCUMENT = Path(__file__).parents[2] / "docs" / "producers.md"
JAVA = Path(__file__).parent / "java_instants.jsonl"


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _checked(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the findings; the summary, on standard error, adds up."""
    done = CliRunner().invoke(check_events, [*arguments, "--format", "json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    findings: list[dict[str, Any]] = json.loads(done.stdout)
    total, *parts = map(int, re.findall(r"\d+", done.stderr))
    assert total == sum(parts) == len(findings)
    assert parts[-1] == sum(found["verdict"] == "REJECTED" for found in findings)
    return done.exit_code, findings


def _garbage(value: bytes | None, key: bytes | None = None) -> Encoded:
    return Encoded(key, value, ())  # type: ignore[arg-type]  # what no producer of ours would send


HOSTILE: list[CaseEvent | Encoded] = [
    event("e1"),
    record_of(event("e1"), Encoding.BINARY),
    event("e1", says="another"),
    event("e1", says="another"),
    record_of(event("plain"), Encoding.PLAIN),
    correction("k1", "e1", to=date(2026, 3, 8)),
    correction("k2", "e1", to=date(1999, 3, 8)),
    event("old", date(1999, 12, 31)),
    event("early", datetime.now(UTC).date() + timedelta(days=9)),
    retyped(event("v2"), dataschema="urn:casegold:event:CaseClosed:2.0"),
    retyped(event("type"), type="CaseLost"),
    retyped(event("from"), source="urn:nobody"),
    retyped(event("time"), time="yesterday"),
    retyped(event("data"), data={}),
    _garbage(b"\xff"),
    _garbage(None),
    _garbage(b"{}", b"c1"),
]


def test_it_says_what_ingest_then_does(platform: Platform) -> None:
    topic = platform.settings.events_topic
    send_events(platform, HOSTILE)
    code, findings = _checked("--topic", topic, "--last", "100")
    read(platform, SILVER)
    said = {each["place"]: each["reason"] or each["verdict"] for each in findings}
    done = dict.fromkeys(_places(platform, BRONZE), "DUPLICATE")
    done |= dict.fromkeys(_places(platform, SILVER), "ACCEPTED")
    done |= {f"{row['kafka_partition']}:{row['kafka_offset']}": row["reason"] for row in rows(platform, REJECTED)}
    assert said == done
    assert code == 40
    assert set(done.values()) == {"ACCEPTED", "DUPLICATE", *RejectReason} - {RejectReason.DATE_NOT_OVER}
    details = {row["detail"].partition(" (")[0] for row in rows(platform, REJECTED)}
    assert {each["detail"].partition(" (")[0] for each in findings if each["detail"]} == details


def _places(platform: Platform, dataset: str) -> list[str]:
    return [f"{row['kafka_partition']}:{row['kafka_offset']}" for row in rows(platform, dataset)]


def test_it_says_what_ingest_then_does_with_totals(platform: Platform) -> None:
    day = date(2026, 3, 10)
    good = total(day, count=1)
    send_totals(platform, [good, good, total(day, count=2), total(day, count=2, revision=2)])
    send_totals(platform, [total(date(2026, 4, 1)), total(day, source="urn:nobody"), total(day, "CaseLost")])
    send(platform, platform.settings.totals_topic, [(None, b"{"), (None, b"{}"), (b"k", good.value())])
    code, findings = _checked("--topic", platform.settings.totals_topic)
    summary = read(platform, TOTALS).summary
    verdicts = [each["verdict"] for each in findings]
    assert code == 40
    assert verdicts.count(Verdict.ACCEPTED) == summary["accepted"] == 2
    assert verdicts.count(Verdict.DUPLICATE) == summary["duplicates"] == 1
    assert verdicts.count(Verdict.REJECTED) == summary["rejected"] + summary["conflicts"] == 7  # type: ignore[operator]
    refused = {row["kafka_offset"]: row["reason"] for row in rows(platform, "bronze/rejected_totals")}
    assert {int(each["place"].partition(":")[2]): each["reason"] for each in findings if each["reason"]} == refused
    assert {each["field"] for each in findings if each["field"]} == {
        "value",
        "key",
        "source",
        "eventType",
        "asOf",
        "revision",
    }


def test_the_newest_records_are_taken(platform: Platform) -> None:
    send_events(platform, [event(f"e{number}", case=f"c{number}") for number in range(30)])
    send_events(platform, [event("last1", case="x"), event("last2", case="y")])
    code, findings = _checked("--topic", platform.settings.events_topic, "--last", "2")
    assert code == 0
    assert {each["event_id"] for each in findings} == {"last1", "last2"}


def test_nothing_is_written_and_no_group_is_made(platform: Platform) -> None:
    admin, topic = AdminClient({**platform.kafka_config}), platform.settings.events_topic
    send_events(platform, HOSTILE)
    groups = {each.group_id for each in admin.list_consumer_groups().result().valid}
    ends = describe_topic(platform.kafka_config, topic).ends
    _checked("--topic", topic)
    assert {each.group_id for each in admin.list_consumer_groups().result().valid} == groups
    assert describe_topic(platform.kafka_config, topic).ends == ends
    assert platform.control.rows("select * from source_position") == []


def test_dead_letters_can_be_tried_again(platform: Platform) -> None:
    send_events(platform, [retyped(event("e1", case="c1"), source="urn:new"), event("e2", case="c2")])
    read(platform, SILVER)
    code, findings = _checked("--topic", platform.settings.events_dlq_topic)
    assert code == 40
    assert [(each["event_id"], each["reason"], each["field"]) for each in findings] == [
        ("e1", "UNKNOWN_SOURCE", "source")
    ]


def _alone(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The command as a producer team runs it: no server was ever started."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("CASEGOLD_")}
    command = [sys.executable, "-m", "casegold.cli.main", "check-events", *arguments]
    env = {**known, "CASEGOLD_HOME": str(home)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_a_file_needs_no_server(tmp_path: Path) -> None:
    home = tmp_path / "none"
    done = _alone(str(JAVA), home=home)
    assert (done.returncode, done.stdout) == (0, "5 records: 5 accepted, 0 duplicates, 0 rejected\n")
    assert not home.exists()
    done = _alone(str(tmp_path / "absent.jsonl"), home=home)
    assert done.returncode == 40
    assert "absent.jsonl" in done.stderr
    assert _alone(home=home).returncode == 40
    assert _alone(str(JAVA), "--topic", "t", home=home).returncode == 40
    assert _alone("--topic", "t", home=home).returncode == 20


def test_each_line_is_told_by_its_number_field_and_remedy(tmp_path: Path) -> None:
    first = json.loads(JAVA.read_text().splitlines()[0])
    lines = [
        first,
        first | {"id": "j1", "data": first["data"] | {"priority": "low"}},
        "x" * (1024 * 1024 + 100),
        first | {"id": "j2", "time": "2024-03-01T10:00:00.1234567891Z"},
        first | {"data": first["data"] | {"caseType": "U"}},
        {"eventId": "p1", "eventType": "CaseClosed", "caseId": "c", "occurredAt": "2024-03-01t10:00:00z"}
        | {"schemaVersion": "1.0", "data": {"reason": "done"}},
        first | {"id": "j3", "data": {"caseType": "T", "jurisdiction": "NL"}},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, findings = _checked(str(file))
    assert code == 40
    assert [(each["place"], each["reason"], each["field"]) for each in findings] == [
        ("line 1", None, None),
        ("line 2", "INVALID", "data.priority"),
        ("line 3", "UNDECODABLE", "value"),
        ("line 4", "INVALID", "time"),
        ("line 5", "CONFLICT", "id"),
        ("line 6", None, None),
        ("line 7", "INVALID", "data.priority"),
    ]
    assert findings[4]["detail"] == "id: j0 is recorded with other content (line 1)"
    shown = CliRunner().invoke(check_events, [str(file), "--limit", "1"]).output
    assert "data.priority" in shown
    assert "and 4 more" in shown
    assert REMEDIES[RejectReason.CONFLICT] in shown
    assert shown.endswith("7 records: 2 accepted, 0 duplicates, 5 rejected\n")


def test_the_examples_of_the_documentation_are_what_they_are_said_to_be(tmp_path: Path) -> None:
    blocks = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    structured, plain, correction_, counted = [json.loads(block) for block in blocks]
    file = tmp_path / "documented.jsonl"
    corrected = structured | {"id": "e-8", "type": "CaseCorrected", "data": correction_}
    file.write_text("".join(json.dumps(each) + "\n" for each in (structured, plain, corrected)))
    code, findings = _checked(str(file))
    assert (code, [each["verdict"] for each in findings]) == (0, ["ACCEPTED", "DUPLICATE", "ACCEPTED"])
    file.write_text(json.dumps(counted))
    assert _checked(str(file), "--totals")[0] == 0


def test_the_documentation_tells_every_reason() -> None:
    told = DOCUMENT.read_text(encoding="utf-8")
    assert all(f"`{reason}`" in told for reason in RejectReason)


def test_every_reason_has_a_remedy() -> None:
    assert REMEDIES.keys() == set(RejectReason)


@pytest.mark.parametrize(
    ("reason", "detail", "name"),
    [
        (RejectReason.UNDECODABLE, "not JSON in UTF-8: x", "value"),
        (RejectReason.INVALID, "header ce_id: given twice", "header ce_id"),
        (
            RejectReason.INVALID,
            "data: Expected `int`, got `str` - at `$.replacement.data.level`",
            "data.replacement.data.level",
        ),
        (
            RejectReason.INVALID,
            "data: Object missing required field `data` - at `$.replacement`",
            "data.replacement.data",
        ),
        (RejectReason.INVALID, "data.deadlineAt: not an ISO", "data.deadlineAt"),
    ],
)
def test_the_field_is_named_with_its_place(reason: RejectReason, detail: str, name: str) -> None:
    assert field_of(Rejection(reason=reason, detail=detail)) == name
