"""The example in docs/case-semantics.md."""

from __future__ import annotations

from tests.transform.life import Life, at


def figures(life: Life) -> list[tuple[object, ...]]:
    return [
        (
            row["status"],
            row["clock_state"],
            row["clock_consumed_seconds"] / 3600,
            row["clock_deadline_at"],
            row["breached_at"],
        )
        for row in life.rows(days=3)
    ]


def test_the_worked_example() -> None:
    life = Life().opened(9).started(10, allowance=24).paused(20, name="pause").started(30)
    life.decided(60, penalty_amount="500.00", currency="EUR")
    assert figures(life) == [
        ("OPEN", "PAUSED", 10, None, None),
        ("OPEN", "RUNNING", 28, at(44), at(44)),
        ("DECIDED", "STOPPED", 40, None, at(44)),
    ]
    assert figures(life.replaced(70, "pause", moved_to=11)) == [
        ("OPEN", "PAUSED", 1, None, None),
        ("OPEN", "RUNNING", 19, at(53), None),
        ("DECIDED", "STOPPED", 31, None, at(53)),
    ]
