"""The named rules about the breach clock, one by one. Hours after 1 March 2026 00:00 UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.transform.life import Life, at


def clock(life: Life, day: int = 1) -> tuple[str, float | None, float, datetime | None, datetime | None]:
    """State, allowed hours, counted hours, deadline, breach."""
    row = life.row(day)
    assert row["breached"] == (row["breached_at"] is not None)
    allowed = row["clock_allowed_seconds"]
    return (
        row["clock_state"],
        None if allowed is None else allowed / 3600,
        row["clock_consumed_seconds"] / 3600,
        row["clock_deadline_at"],
        row["breached_at"],
    )


def test_no_clock() -> None:
    assert clock(Life().opened(1).paused(2)) == ("NONE", None, 0, None, None)


@pytest.mark.parametrize("stop", ["decided", "closed"])
def test_nothing_to_stop_leaves_no_clock(stop: str) -> None:
    assert clock(getattr(Life().opened(1), stop)(2)) == ("NONE", None, 0, None, None)


def test_a_running_clock_counts_to_the_end_of_the_date() -> None:
    life = Life().opened(1).started(4, allowance=100)
    assert clock(life) == ("RUNNING", 100, 20, at(104), None)
    assert clock(life, day=2) == ("RUNNING", 100, 44, at(104), None)


def test_a_clock_may_start_before_the_opening() -> None:
    assert clock(Life().started(2, allowance=1).opened(30), day=2) == ("RUNNING", 1, 46, at(3), at(3))


def test_a_pause_stops_the_count_and_a_start_resumes_it() -> None:
    life = Life().opened(1).started(2, allowance=10).paused(5)
    assert clock(life) == ("PAUSED", 10, 3, None, None)
    assert clock(life.started(20)) == ("RUNNING", 10, 7, at(27), None)


@pytest.mark.parametrize("stop", ["decided", "closed"])
def test_a_stop_ends_a_running_and_a_paused_clock(stop: str) -> None:
    running, paused = Life().opened(1).started(2, allowance=10), Life().opened(1).started(2, allowance=10).paused(4)
    assert clock(getattr(running, stop)(6)) == ("STOPPED", 10, 4, None, None)
    assert clock(getattr(paused, stop)(6)) == ("STOPPED", 10, 2, None, None)


def test_a_stopped_clock_ignores_a_pause() -> None:
    assert clock(Life().opened(1).started(2, allowance=10).decided(6).paused(7)) == ("STOPPED", 10, 4, None, None)


def test_a_start_after_a_stop_begins_a_new_clock_without_an_allowance() -> None:
    life = Life().opened(1).started(2, allowance=1).closed(6).started(20)
    assert clock(life) == ("RUNNING", None, 4, None, at(3))


def test_a_start_of_a_running_clock_goes_on() -> None:
    assert clock(Life().opened(1).started(2, allowance=100).started(10)) == ("RUNNING", 100, 22, at(102), None)


def test_an_allowance_given_again_replaces_the_old_one() -> None:
    assert clock(Life().opened(1).started(2, allowance=30).started(10, allowance=50)) == (
        "RUNNING",
        50,
        22,
        at(52),
        None,
    )


def test_a_deadline_allows_the_count_so_far_and_the_time_until_then() -> None:
    life = Life().opened(1).started(2, allowance=100).paused(5).started(10, deadline_at=at(40))
    assert clock(life) == ("RUNNING", 33, 17, at(40), None)


def test_a_deadline_that_had_passed_when_given_breaches_there_and_then() -> None:
    assert clock(Life().opened(1).started(10, deadline_at=at(4))) == ("RUNNING", 0, 14, at(10), at(10))


def test_a_zero_allowance_breaches_at_its_start() -> None:
    assert clock(Life().opened(1).started(5, allowance=0)) == ("RUNNING", 0, 19, at(5), at(5))


def test_a_breach_needs_no_fact_to_happen() -> None:
    life = Life().opened(1).started(4, allowance=30)
    assert clock(life) == ("RUNNING", 30, 20, at(34), None)
    assert clock(life, day=2) == ("RUNNING", 30, 44, at(34), at(34))


def test_a_breach_at_the_end_of_a_date_shows_on_the_next() -> None:
    life = Life().opened(1).started(4, allowance=20)
    assert [row["breached"] for row in life.rows(days=2)] == [False, True]


def test_a_count_that_reaches_its_allowance_at_the_pause_has_breached() -> None:
    assert clock(Life().opened(1).started(4, allowance=6).paused(10)) == ("PAUSED", 6, 6, None, at(10))


def test_a_pause_before_the_allowance_prevents_the_breach() -> None:
    life = Life().opened(1).started(4, allowance=6).paused(10 - 1 / 3600)
    assert clock(life, day=2)[4] is None


def test_a_replaced_allowance_that_is_used_up_breaches_at_that_fact() -> None:
    life = Life().opened(1).started(2, allowance=100).started(10, allowance=5)
    assert clock(life) == ("RUNNING", 5, 22, at(10), at(10))


def test_a_longer_allowance_moves_the_deadline_and_the_first_breach_stays() -> None:
    life = Life().opened(1).started(2, allowance=3).started(10, allowance=50)
    assert clock(life) == ("RUNNING", 50, 22, at(52), at(5))


def test_a_resumed_clock_past_its_allowance_shows_where_it_reached_it() -> None:
    life = Life().opened(1).started(2, allowance=3).paused(10).started(20)
    assert clock(life) == ("RUNNING", 3, 12, at(5), at(5))


def test_the_first_breach_stays_over_later_clocks_and_reopenings() -> None:
    life = Life().opened(1).started(2, allowance=1).closed(6).opened(8).started(9, allowance=0)
    assert clock(life) == ("RUNNING", 0, 15, at(9), at(3))


def test_the_count_is_floored_from_exact_microseconds() -> None:
    half = 0.5 / 3600
    life = Life().opened(1).started(2 + half, allowance=10).paused(3).started(4 + half).paused(5)
    assert life.row()["clock_consumed_seconds"] == 7199
    assert life.started(6).paused(6 + half).row()["clock_consumed_seconds"] == 7199
    assert life.started(7).paused(7 + half).row()["clock_consumed_seconds"] == 7200


def test_a_floored_count_carried_over_dates_stays_exact() -> None:
    life = Life().opened(1).started(2 + 0.25 / 3600, allowance=10)
    rows = life.rows(days=3)
    steps = [row["clock_consumed_seconds"] - rows[0]["clock_consumed_seconds"] for row in rows]
    assert steps == [0, 86_400, 172_800]
    assert rows[0]["clock_consumed_seconds"] == timedelta(hours=22).total_seconds() - 1
