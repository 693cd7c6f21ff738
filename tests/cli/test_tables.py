"""Tables and values: what is shown is whole, side by side or one row per block, and JSON has its types."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from casegold.cli.output import JSON, Output
from casegold.cli.tables import show
from casegold.cli.values import Below, Number, Short, Signed, Span, as_json, cell

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("value", "people", "programs"),
    [
        (None, "", None),
        (True, "yes", True),
        (1234567, "1,234,567", 1234567),
        (Number(12345), "12345", 12345),
        (0.25, "0.2", 0.25),
        (Decimal("1234.50"), "1,234.50", "1234.50"),
        (Signed(Decimal("3")), "+3", "3"),
        (NOON, "2026-03-01 12:00:00Z", "2026-03-01T12:00:00.123456Z"),
        (DAY, "2026-03-01", "2026-03-01"),
        (Span(DAY, DAY + timedelta(1)), "2026-03-01 .. 2026-03-02", {"first": "2026-03-01", "last": "2026-03-02"}),
        (Short("0123456789abcdef", 4), "0123", "0123456789abcdef"),
        (["a", 1], "a; 1", ["a", 1]),
        ([[0, 1], [2, 3]], "[0, 1]; [2, 3]", [[0, 1], [2, 3]]),
        ({"a": 1, "b": None, "c": "d"}, "a: 1; c: d", {"a": 1, "b": None, "c": "d"}),
        (Below("t", ("n o#",), [(1,)]), None, [{"n_o": 1}]),
    ],
)  # fmt: skip
def test_a_value_for_people_and_for_programs(value: object, people: str | None, programs: object) -> None:
    if people is not None:
        assert cell(value) == people
    assert as_json(value) == programs
    assert type(as_json(value)) in {type(programs), Number}
    json.dumps(as_json(value))


def test_an_instant_without_a_zone_is_nobodys_instant() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        as_json(datetime(2026, 3, 1))  # noqa: DTZ001 - that is what is refused


def printed(capsys: pytest.CaptureFixture[str], columns: tuple[str, ...], *rows: tuple[object, ...]) -> list[str]:
    show("Title", columns, rows, empty="nothing")
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_what_fits_is_side_by_side_and_folds_at_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = printed(
        capsys, ("a#", "why"), (1, "one two three four five six seven eight nine ten eleven twelve thirteen")
    )
    assert lines[:2] == ["Title", "a  why"]
    assert all(len(line) <= 60 for line in lines)
    assert " ".join(" ".join(lines[2:]).split()).endswith("twelve thirteen")


def test_what_does_not_fit_has_a_block_for_each_row_and_no_value_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    names = tuple(f"column {number}" for number in range(9))
    long = "x" * 60
    lines = printed(capsys, names, (*range(8), long), (*range(8), "\u202e\n1"))
    assert lines[0] == "Title"
    assert f"column_8  {long}" in lines
    assert lines.count("column_7  7") == 2
    assert "column_8  \\u202e" in lines and lines[-1] == "          1"


def test_two_texts_that_would_be_folded_to_shreds_have_a_block(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "one two three four five six seven"
    monkeypatch.setenv("COLUMNS", "40")
    assert printed(capsys, ("a", "b"), (text, text))[2:] == [f"a  {text}", f"b  {text}"]
    monkeypatch.setenv("COLUMNS", "60")
    assert printed(capsys, ("a", "b"), (text, text))[1].split() == ["a", "b"]


def test_in_a_pipe_no_line_is_folded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    lines = printed(capsys, ("a", "b", "c"), ("x" * 300, "one two " * 40, "z"))
    assert len(lines) == 3


def test_what_is_below_a_row_is_below_the_table_and_within_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(1, Below("Of one", ("check",), [("late",)])), (2, Below("Of two", ("check",), []))]
    lines = printed(capsys, ("hold#", "checks"), *rows)
    assert lines == ["Title", "hold", "   1", "   2", "", "Of one", "check", "late"]
    Output(JSON).rows("Title", ("hold#", "checks"), rows, empty="nothing")
    assert json.loads(capsys.readouterr().out) == [
        {"hold": 1, "checks": [{"check": "late"}]},
        {"hold": 2, "checks": []},
    ]


def test_nothing_is_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    Output(JSON).rows("Title", ("a",), [], empty="Nothing is held.")
    assert json.loads(capsys.readouterr().out) == []


def test_two_columns_of_one_name_are_a_bug() -> None:
    with pytest.raises(ValueError, match="two columns have the same name"):
        Output(JSON).rows("Title", ("by", "by"), [], empty="")


def test_an_instant_is_told_in_utc_whatever_its_zone() -> None:
    assert as_json(NOON) == as_json(NOON.astimezone(UTC))
