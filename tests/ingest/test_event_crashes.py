"""An ingest that dies anywhere, and the next one: the tables end as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from casegold.control.runs import attempts
from casegold.domain.errors import Deferred
from casegold.jobs import ingest as job
from casegold.jobs.batch_job import execute
from casegold.jobs.ingest import BRONZE, REJECTED, SILVER
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink.lake import Lake
from casegold.source.codec import Encoded
from casegold.source.kafka import read_chunks
from tests.crash.restarts import give_up
from tests.ingest.events import DAY, assert_accounted, commits, correction, dirty_dates, event, put
from tests.ingest.register import next_attempt, read, rows

CHUNK = 5


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {"ingest_chunk_records": str(CHUNK)}


@pytest.fixture
def platform(settings: Settings) -> Platform:
    return open_platform(settings)


def _send(platform: Platform) -> None:
    """Three chunks with facts, repetitions, a conflict, a correction and a refused record in each."""
    for chunk in range(3):
        name = f"e{chunk}"
        poison = Encoded(b"k", b"{", ())
        put(platform, 0, [event(name), event(name), event(name, says="other"), correction(f"k{chunk}", "e0"), poison])


def _assert_undisturbed(platform: Platform) -> None:
    """What three chunks leave where nothing goes wrong: each record once, under its chunk's number."""
    offsets = range(3 * CHUNK)
    assert _places(platform, BRONZE) == [(offset, offset // CHUNK + 1) for offset in offsets]
    assert _places(platform, REJECTED) == [
        (offset, offset // CHUNK + 1) for offset in offsets if offset % CHUNK in (2, 4)
    ]
    assert _places(platform, SILVER) == [
        (offset, offset // CHUNK + 1) for offset in offsets if offset % CHUNK in (0, 3)
    ]
    assert dirty_dates(platform) == {f"{kind}{chunk}": DAY for kind in "ek" for chunk in range(3)}
    counted = [
        (row["seq"], row["records"], row["accepted"], row["duplicates"], row["conflicts"], row["rejected_by_reason"])
        for row in commits(platform)
    ]
    assert counted == [(seq, 5, 2, 1, 1, {"UNDECODABLE": 1}) for seq in (1, 2, 3)]
    conflicts = platform.control.rows("select event_id, ingest_seq, state from event_conflict order by 1")
    states = ["SETTLED", "OPEN", "OPEN"]  # each correction names e0
    assert [tuple(row.values()) for row in conflicts] == [(f"e{n}", n + 1, state) for n, state in enumerate(states)]
    assert_accounted(platform)
    assert [row["state"] for row in platform.control.rows("select state from effect_ledger")] == ["DONE"] * 3
    assert next_attempt(platform, SILVER) is None


def _places(platform: Platform, dataset: str) -> list[tuple[int, int]]:
    return sorted((row["kafka_offset"], row["ingest_seq"]) for row in rows(platform, dataset))


@contextmanager
def _dies(patch: pytest.MonkeyPatch, owner: Any, name: str, call: int, *, after: bool) -> Iterator[None]:
    """The process dies at a call of a function, before or after what it does."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def die(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < call:
            return original(*arguments, **named)
        if after:
            original(*arguments, **named)
        raise Killed

    with patch.context() as inner:
        inner.setattr(owner, name, die)
        yield


def _die_once(platform: Platform, patch: pytest.MonkeyPatch, step: tuple[Any, str, int], *, after: bool) -> None:
    attempt = next_attempt(platform, SILVER)
    assert attempt is not None
    with _dies(patch, *step, after=after), pytest.raises(Killed):
        execute(platform, attempt.run_id, attempt.attempt, "test")


# The call at which each attempt dies; the next attempt dies one effect further. A chunk is three appends and a
# completion; an attempt that finds a chunk in bronze begins with its second append.
DEATHS: dict[bool, list[tuple[Any, str, int]]] = {
    False: [
        (Lake, "append", 1),
        (Lake, "append", 2),
        (Lake, "append", 2),
        (job, "_complete", 1),
        (job, "_complete", 2),
        (Lake, "append", 4),
        (job, "send_pending", 1),
    ],
    True: [
        (Lake, "append", 1),
        (Lake, "append", 1),
        (Lake, "append", 2),
        (job, "_complete", 1),
        (job, "_complete", 1),
        (Lake, "append", 1),
        (job, "send_pending", 1),
    ],
}


def test_chunks_are_commits_of_their_own(platform: Platform) -> None:
    _send(platform)
    read(platform, SILVER)
    _assert_undisturbed(platform)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_attempts_that_die_around_every_effect_leave_what_one_would(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    _send(platform)
    for step in DEATHS[after]:
        _die_once(platform, monkeypatch, step, after=after)
    read(platform, SILVER)
    _assert_undisturbed(platform)


def test_an_attempt_is_executed_once(platform: Platform) -> None:
    _send(platform)
    attempt = next_attempt(platform, SILVER)
    assert attempt is not None
    attempts.start(platform.control, attempt.run_id, attempt.attempt, "first")
    with pytest.raises(Deferred, match="is RUNNING"):
        execute(platform, attempt.run_id, attempt.attempt, "second")
    assert rows(platform, BRONZE) == []


@pytest.mark.parametrize("call", [1, 2, 3])
def test_an_attempt_that_was_given_up_for_dead_adds_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    _send(platform)
    slow = next_attempt(platform, SILVER)
    assert slow is not None
    append, calls = Lake.append, 0

    def stall(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            give_up(platform.control)
            read(platform, SILVER)
        return append(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", stall)
        with pytest.raises(Deferred):
            execute(platform, slow.run_id, slow.attempt, "slow")
    _assert_undisturbed(platform)


def test_an_attempt_that_was_given_up_before_it_began_to_read_takes_no_number(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number behind those of its successor would be free, and its records would be there twice."""
    _send(platform)
    slow = next_attempt(platform, SILVER)
    assert slow is not None
    with monkeypatch.context() as patch:

        def stall(*arguments: Any) -> Any:
            patch.undo()
            give_up(platform.control)
            read(platform, SILVER)
            return read_chunks(*arguments)

        patch.setattr(job, "read_chunks", stall)
        with pytest.raises(Deferred):
            execute(platform, slow.run_id, slow.attempt, "slow")
    _assert_undisturbed(platform)


def test_a_chunk_of_another_cut_that_came_first_is_finished_from_bronze(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    _send(platform)
    attempt = next_attempt(platform, SILVER)
    assert attempt is not None
    append = Lake.append

    def outrun(lake: Lake, dataset: str, found: pa.Table, **named: Any) -> int | None:
        if dataset == BRONZE:  # a dead owner's append lands after all, just before ours
            append(lake, dataset, found, **named)
        return append(lake, dataset, found, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", outrun)
        with pytest.raises(Deferred, match="another attempt"):
            execute(platform, attempt.run_id, attempt.attempt, "test")
    read(platform, SILVER)
    _assert_undisturbed(platform)
