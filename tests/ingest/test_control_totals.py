"""Control totals from Kafka into the lake and its mirror: each counted once, whatever is sent and wherever it dies."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casegold.control.ingest import commits
from casegold.domain.errors import CommitUnknown
from casegold.domain.events import Rejection, RejectReason
from casegold.jobs import control_totals
from casegold.jobs.batch_job import execute
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.source.codec import KafkaRecord
from casegold.source.totals import ControlTotal
from casegold.source.totals_codec import decode_total
from tests.ingest.register import AS_OF, SOURCE, TOTALS, next_attempt, read, rows, send, send_totals, total, totals_of

DAY = date(2026, 3, 1)
REJECTED = "bronze/rejected_totals"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _mirror(platform: Platform) -> list[tuple[Any, ...]]:
    found = platform.control.rows(
        "select business_date, event_type, revision, count, totals_seq from control_total order by 1, 2, 3"
    )
    return [tuple(row.values()) for row in found]


def _in_lake(platform: Platform) -> list[tuple[Any, ...]]:
    names = ("business_date", "event_type", "revision", "count", "totals_seq")
    return sorted(tuple(row[name] for name in names) for row in rows(platform, TOTALS))


def _record(value: bytes | None, key: bytes | None = None) -> KafkaRecord:
    return KafkaRecord("t", 0, 0, AS_OF, key, value)


def test_what_was_sent_is_in_the_lake_and_in_its_mirror(platform: Platform) -> None:
    sent = totals_of([DAY])
    send_totals(platform, sent)
    outcome = read(platform, TOTALS)
    assert (outcome.summary["accepted"], outcome.summary["records"]) == (9, 9)
    assert [row[1] for row in _mirror(platform)] == sorted(each.event_type for each in sent)
    assert _in_lake(platform) == _mirror(platform)
    assert rows(platform, TOTALS)[0]["as_of"] == AS_OF
    assert next_attempt(platform, TOTALS) is None


def test_recounts_stay_beside_each_other_and_repetitions_count_once(platform: Platform) -> None:
    send_totals(platform, [total(DAY, count=3), total(DAY, count=3), total(DAY, count=4, revision=2)])
    assert read(platform, TOTALS).summary["duplicates"] == 1
    send_totals(platform, [total(DAY, count=4, revision=2), total(DAY, count=5, revision=3)])
    outcome = read(platform, TOTALS)
    assert (outcome.summary["accepted"], outcome.summary["duplicates"]) == (1, 1)
    assert [row[2:] for row in _mirror(platform)] == [(1, 3, 1), (2, 4, 1), (3, 5, 2)]


def test_a_revision_keeps_its_first_content(platform: Platform) -> None:
    send_totals(platform, [total(DAY, count=3)])
    read(platform, TOTALS)
    send_totals(platform, [total(DAY, count=7), total(DAY, "CaseClosed", 1), total(DAY, "CaseClosed", 2)])
    outcome = read(platform, TOTALS)
    assert (outcome.summary["accepted"], outcome.summary["conflicts"]) == (1, 2)
    assert [row[1:4] for row in _mirror(platform)] == [("CaseClosed", 1, 1), ("CaseOpened", 1, 3)]
    refused = rows(platform, REJECTED)
    assert [(row["reason"], row["source"], row["effective_date"]) for row in refused] == [("CONFLICT", SOURCE, DAY)] * 2
    assert "was 3" in refused[0]["detail"]
    assert json.loads(refused[0]["value"])["count"] == 7


def test_refused_records_are_kept_as_received(platform: Platform) -> None:
    good = total(DAY, count=1)
    records = [(b"k", b"\xff not json"), (None, None), (b"another", good.value()), (None, good.value())]
    send(platform, platform.settings.totals_topic, records)
    outcome = read(platform, TOTALS)
    assert (outcome.summary["records"], outcome.summary["accepted"], outcome.summary["rejected"]) == (4, 1, 3)
    assert outcome.summary["rejected: UNDECODABLE"] == 2
    kept = sorted(rows(platform, REJECTED), key=lambda row: row["kafka_offset"])
    assert [(row["key"], row["value"]) for row in kept] == records[:3]
    commit = platform.control.rows("select * from ingest_commit")[0]
    assert commit["rejected_by_reason"] == {"UNDECODABLE": 2, "INVALID": 1}


@pytest.mark.parametrize("step", ["_append_totals", "_complete"])
def test_a_killed_attempt_is_finished_by_the_next(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    send_totals(platform, [*totals_of([DAY]), total(DAY, count=99)])
    attempt = next_attempt(platform, TOTALS)
    assert attempt is not None
    with monkeypatch.context() as patch:

        def die(*_: object, **__: object) -> None:
            raise Killed

        patch.setattr(control_totals, step, die)
        with pytest.raises(Killed):
            execute(platform, attempt.run_id, attempt.attempt, "test")
    send_totals(platform, totals_of([date(2026, 3, 2)]))  # what came later does not change the dead chunk
    read(platform, TOTALS)
    assert len(rows(platform, REJECTED)) == 1
    assert _in_lake(platform) == _mirror(platform)
    assert len(_mirror(platform)) == 9
    read(platform, TOTALS)
    assert [row[0].day for row in _mirror(platform)] == [1] * 9 + [2] * 9
    with platform.control.write("by a test") as connection:
        reached = commits.positions(connection, TOTALS, platform.settings.totals_topic, 1)
    assert reached == {0: 19}
    recorded = platform.control.rows("select records, accepted, conflicts from ingest_commit order by seq")
    assert [tuple(row.values()) for row in recorded] == [(10, 9, 1), (9, 9, 0)]


def test_a_number_taken_by_another_attempt_is_completed_not_written_twice(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_totals(platform, totals_of([DAY]))
    attempt = next_attempt(platform, TOTALS)
    assert attempt is not None
    with monkeypatch.context() as patch:
        append = platform.lake.append

        def taken(*args: Any, **named: Any) -> int | None:
            append(*args, **named)  # by an attempt that was given up for dead and yet goes on
            return append(*args, **named)

        patch.setattr(platform.lake, "append", taken)
        with pytest.raises(CommitUnknown):
            execute(platform, attempt.run_id, attempt.attempt, "test")
    assert _mirror(platform) == []
    assert read(platform, TOTALS).summary["accepted"] == 9
    assert _in_lake(platform) == _mirror(platform)


def test_garbage_alone_moves_the_position(platform: Platform) -> None:
    send(platform, platform.settings.totals_topic, [(None, b"{}")] * 3)
    assert read(platform, TOTALS).summary["rejected: INVALID"] == 3
    assert next_attempt(platform, TOTALS) is None


GOOD = {
    "source": SOURCE,
    "businessDate": "2026-03-01",
    "eventType": "CaseOpened",
    "count": 2,
    "asOf": "2026-03-02T00:10:00+01:00",
    "revision": 1,
}


def test_a_message_is_read() -> None:
    found = decode_total(_record(json.dumps(GOOD).encode(), SOURCE.encode()))
    assert found == ControlTotal(SOURCE, DAY, "CaseOpened", 2, datetime(2026, 3, 1, 23, 10, tzinfo=UTC), 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source": ""}, RejectReason.INVALID),
        ({"source": 5}, RejectReason.INVALID),
        ({"businessDate": "2026-02-30"}, RejectReason.INVALID),
        ({"businessDate": "20260301"}, RejectReason.INVALID),
        ({"eventType": "CaseLost"}, RejectReason.UNKNOWN_TYPE),
        ({"count": -1}, RejectReason.INVALID),
        ({"count": 1.5}, RejectReason.INVALID),
        ({"count": True}, RejectReason.INVALID),
        ({"asOf": "2026-03-01T00:00:00"}, RejectReason.INVALID),
        ({"revision": 0}, RejectReason.INVALID),
        ({"revision": None}, RejectReason.INVALID),
    ],
)
def test_a_wrong_field_refuses_the_message(change: dict[str, Any], reason: RejectReason) -> None:
    found = decode_total(_record(json.dumps({**GOOD, **change}).encode()))
    assert isinstance(found, Rejection)
    assert found.reason is reason
    assert next(iter(change)) in found.detail


@given(st.binary() | st.dictionaries(st.sampled_from(sorted(GOOD)), st.integers() | st.text()).map(json.dumps))
def test_no_value_breaks_the_reader(value: bytes | str) -> None:
    found = decode_total(_record(value if isinstance(value, bytes) else value.encode()))
    assert isinstance(found, ControlTotal | Rejection)


@given(
    st.builds(
        ControlTotal,
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20),
        st.dates(date(1900, 1, 1), date(2999, 12, 31)),
        st.sampled_from(["CaseOpened", "CaseCorrected"]),
        st.integers(0, 2**63 - 1),
        st.datetimes(datetime(1900, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
        st.integers(1, 2**63 - 1),
    )
)
def test_a_total_reads_back_as_sent(sent: ControlTotal) -> None:
    assert decode_total(_record(sent.value(), sent.key())) == sent
