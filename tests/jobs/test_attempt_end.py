"""The end of an attempt as one process tells it to another, and what an exit code stands for where none is told."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casegold.domain.errors import CasegoldError, Deferred, ExitClass, exit_class_of
from casegold.jobs.attempt_end import Ended, from_json, to_json
from casegold.jobs.outcome import CheckOutcome, GateClosed, Outcome, PartitionOutcome

scalars = st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
figures = st.dictionaries(st.text(), scalars, max_size=4)
checks = st.builds(
    CheckOutcome,
    check=st.text(),
    required=st.booleans(),
    status=st.sampled_from(["PASSED", "FAILED", "WAIVED", "MISSING"]),
    failures=st.integers(0, 2**40),
    expected=st.text(),
    actual=st.text(),
    detail=st.text(),
    sample=st.lists(st.dictionaries(st.text(), st.text(), max_size=2), max_size=2).map(tuple),
)
partitions = st.builds(
    PartitionOutcome,
    key=st.dates(date(1970, 1, 1)),
    state=st.sampled_from(["PUBLISHED", "UNCHANGED", "HELD"]),
    row_count=st.integers(0, 2**40),
    checks=st.lists(checks, max_size=2).map(tuple),
    figures=figures,
)
outcomes = st.builds(
    Outcome,
    summary=figures,
    partitions=st.lists(partitions, max_size=3).map(tuple),
    version=st.none() | st.integers(1, 2**40),
)


@given(outcome=outcomes)
def test_an_outcome_arrives_as_it_was(outcome: Outcome) -> None:
    arrived = from_json(to_json(Ended(ExitClass.SUCCESS, outcome))).result()
    assert arrived == outcome
    assert repr(arrived) == repr(outcome), "numbers keep their type: 1 is not 1.0"


@given(outcome=outcomes, message=st.text(), remedy=st.text())
def test_a_closed_gate_arrives_with_what_was_judged(outcome: Outcome, message: str, remedy: str) -> None:
    closed = Ended.by(GateClosed(message, remedy=remedy, outcome=outcome))
    with pytest.raises(GateClosed) as raised:
        from_json(to_json(closed)).result()
    assert (raised.value.outcome, raised.value.message, raised.value.remedy) == (outcome, message, remedy)


@pytest.mark.parametrize("exit_class", [each for each in ExitClass if each is not ExitClass.SUCCESS])
def test_every_failure_arrives_with_its_class(exit_class: ExitClass) -> None:
    with pytest.raises(CasegoldError, match="why") as raised:
        from_json(to_json(Ended(exit_class, message="why", remedy="what to do"))).result()
    assert (raised.value.exit_class, raised.value.remedy) == (exit_class, "what to do")


def test_a_deferred_attempt_is_no_success() -> None:
    with pytest.raises(Deferred, match="claimed"):
        from_json(to_json(Ended.by(Deferred("claimed")))).result()


@pytest.mark.parametrize(
    ("code", "exit_class"),
    [(each.value, each) for each in ExitClass]
    + [(code, ExitClass.SOURCE_UNAVAILABLE) for code in (-9, -15, -11, 137, 143)]
    + [(code, ExitClass.BUG) for code in (1, 2, 11, 127, 128)],
)
def test_what_an_exit_code_stands_for(code: int, exit_class: ExitClass) -> None:
    assert exit_class_of(code) is exit_class
