"""What the build refuses, what it leaves behind, and how it bounds its work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import InvariantBroken
from products.case_daily_snapshot.build import build_states, chunks, find_affected_cases, snapshot_rows
from products.case_daily_snapshot.schema import SNAPSHOT_SCHEMA, no_rows
from tests.transform.life import FIRST, Life
from tests.transform.register import INSTANT, Register

CONTRACT = Path(__file__).parents[2] / "products/case_daily_snapshot/contract.yaml"
ARROW_TYPES = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": INSTANT,
    "decimal(18,2)": pa.decimal128(18, 2),
}
SECOND = FIRST + timedelta(days=1)


@pytest.fixture
def register() -> Register:
    return Register(BusinessCalendar("UTC"), duckdb.connect(config={"threads": 1}))


def test_the_columns_are_those_of_the_contract_in_its_order() -> None:
    properties = yaml.safe_load(CONTRACT.read_text("utf-8"))["schema"][0]["properties"]
    promised = [(column["name"], ARROW_TYPES[column["physicalType"]]) for column in properties]
    assert [(field.name, field.type) for field in SNAPSHOT_SCHEMA] == promised


def test_rows_of_several_dates_cannot_be_carried(register: Register) -> None:
    rows = register.build(Life().opened(1), FIRST, SECOND)
    with pytest.raises(InvariantBroken, match="of 2 dates, 2026-03-01 to 2026-03-02"):
        register.build(Life().opened(1), SECOND, SECOND, previous=rows)


def test_rows_whose_end_is_unknown_cannot_be_carried(register: Register) -> None:
    rows = register.build(Life().opened(1), FIRST, FIRST)
    later = FIRST + timedelta(days=9)
    with pytest.raises(InvariantBroken, match="lacks 2026-03-01"):
        register.build(Life().opened(1), later, later, previous=rows)


def test_rows_of_a_date_without_its_end_are_refused(register: Register) -> None:
    register.build(Life().opened(1), FIRST, FIRST)
    with pytest.raises(InvariantBroken, match="1 of the dates 2026-03-01 to 2026-03-02"):
        snapshot_rows(register.connection, FIRST, SECOND)


def test_a_range_is_cut_so_that_no_part_has_more_rows_than_allowed(register: Register) -> None:
    facts = [fact for number in range(3) for fact in Life(f"c{number}").opened(1, name=f"o{number}")]
    last = FIRST + timedelta(days=4)
    register.build(facts, FIRST, last)
    lengths = [(end - start).days + 1 for start, end in chunks(register.connection, FIRST, last, max_rows=7)]
    assert lengths == [2, 2, 1]
    assert len(list(chunks(register.connection, FIRST, last, max_rows=1))) == 5


def test_a_build_without_cases_has_no_rows(register: Register) -> None:
    assert register.build([], FIRST, SECOND) == no_rows()


def affected(register: Register, life: Life, first: date | None, last: date) -> bool:
    register.connection.register("admitted_facts", register.silver(life))
    return find_affected_cases(register.connection, first, last) == 1


def test_a_case_is_affected_by_a_fact_or_a_replacement_in_the_range(register: Register) -> None:
    third = FIRST + timedelta(days=2)
    assert affected(register, Life().opened(30), SECOND, SECOND)
    assert not affected(register, Life().opened(30), FIRST, FIRST)
    assert not affected(register, Life().opened(30), third, third)
    assert affected(register, Life().opened(30), None, third)
    assert affected(register, Life().opened(1, name="o").replaced(2, "o", moved_to=60), third, third)


def test_the_date_of_a_correction_itself_affects_nothing(register: Register) -> None:
    assert not affected(register, Life().opened(1, name="o").retracted(30, "o"), SECOND, SECOND)


def test_the_steps_of_the_fold_are_forgotten(register: Register) -> None:
    register.build(Life().opened(1), FIRST, FIRST)
    build_states(register.connection)
    tables = {name for (name,) in register.connection.execute("select table_name from duckdb_tables()").fetchall()}
    assert tables == {"affected_cases", "corrections", "folded_states", "carried_states"}


def test_instants_are_utc_whatever_the_machines_zone(register: Register) -> None:
    register.connection.execute("set timezone = 'Asia/Tokyo'")
    (row,) = register.build(Life().opened(1), FIRST, FIRST).to_pylist()
    assert row["opened_at"] == datetime(2026, 3, 1, 1, tzinfo=UTC)
