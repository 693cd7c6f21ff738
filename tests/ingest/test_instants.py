"""What Java services send through a real ingest: nine decimals are facts, and a spelling never makes another fact."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casegold.domain.events import RejectReason
from casegold.jobs.ingest import BRONZE, REJECTED, SILVER
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from tests.ingest.events import assert_accounted, silver
from tests.ingest.register import TOTALS, read, rows, send

LINES = (Path(__file__).parent / "java_instants.jsonl").read_bytes().splitlines()


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _respelt(line: bytes, **changed: str) -> bytes:
    return json.dumps(json.loads(line) | changed).encode()


def _send(platform: Platform, lines: list[bytes]) -> dict[str, Any]:
    send(platform, platform.settings.events_topic, [(None, line) for line in lines])
    return dict(read(platform, SILVER).summary)


def test_every_event_of_a_java_service_is_a_fact_cut_to_microseconds(platform: Platform) -> None:
    summary = _send(platform, LINES)
    assert (summary["records"], summary["accepted"], summary["rejected"]) == (5, 5, 0)
    facts = silver(platform)
    for number in range(5):
        fact = facts[f"j{number}"]
        assert fact["occurred_at"] == datetime(2024, 3, 1, 10, 0, number, 123456, UTC)
        assert fact["emitted_at"] == datetime(2024, 3, 1, 10, 0, number, 223456, UTC)
    assert {row["value"] for row in rows(platform, BRONZE)} == set(LINES)
    assert_accounted(platform)


def test_another_spelling_of_an_instant_is_the_same_fact(platform: Platform) -> None:
    first = LINES[0]
    _send(platform, [first])
    same = [
        _respelt(first, time="2024-03-01T10:00:00.123456Z"),
        _respelt(first, time="2024-03-01t10:00:00.1234560z"),
        _respelt(first, time="2024-03-01T11:00:00.123456999+01:00"),
    ]
    summary = _send(platform, same)
    assert (summary["duplicates"], summary["conflicts"], summary["rejected"]) == (3, 0, 0)
    summary = _send(platform, [_respelt(first, time="2024-03-01T10:00:00.123457000Z")])
    assert (summary["duplicates"], summary["conflicts"]) == (0, 1)
    assert_accounted(platform)


def test_ten_decimals_are_rejected_by_name(platform: Platform) -> None:
    _send(platform, [_respelt(LINES[0], time="2024-03-01T10:00:00.1234567890Z")])
    (refused,) = rows(platform, REJECTED)
    assert refused["reason"] == RejectReason.INVALID
    assert refused["detail"] == "time: 10 decimals of a second, at most 9 are read"


def test_a_control_total_of_a_java_service_is_read_the_same(platform: Platform) -> None:
    total = {"source": "urn:regulator:case-system", "businessDate": "2024-03-01", "eventType": "CaseOpened", "count": 5}
    total |= {"asOf": "2024-03-02T00:10:00.123456789Z", "revision": 1}
    again = total | {"asOf": "2024-03-02t00:10:00.123456z"}
    send(platform, platform.settings.totals_topic, [(None, json.dumps(each).encode()) for each in (total, again)])
    summary = read(platform, TOTALS).summary
    assert (summary["accepted"], summary["duplicates"], summary["conflicts"]) == (1, 1, 0)
    assert rows(platform, TOTALS)[0]["as_of"] == datetime(2024, 3, 2, 0, 10, 0, 123456, UTC)
