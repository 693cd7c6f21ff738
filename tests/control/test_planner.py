"""The planner against an oracle that remembers every fact and every judgement, and against each rule by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.control.changes import backfill_requests
from casegold.control.db import Connection, ControlDb
from casegold.control.model import PartitionRange, Pipeline
from casegold.control.planning import planner
from casegold.control.planning.decisions import Decision, Due, NotDue
from casegold.control.versions import holds
from casegold.domain.contract import Contracts
from casegold.runtime.contracts import load_contracts
from tests.control.register import METRICS, REPORT, RUN, SNAPSHOT, Register

CONTRACTS = load_contracts(Path(__file__).parents[2] / "contracts" / "datasets")
TRANSFORMS = {contract.transform: "1" for contract in CONTRACTS}
DAY = date(2026, 1, 1)


def day(number: int) -> date:
    return DAY + timedelta(days=number)


@pytest.fixture
def connection(control: ControlDb) -> Iterator[Connection]:
    """A transaction that is rolled back."""
    with control.write("by a test") as connection:
        yield connection
        connection.rollback()


def decide(connection: Connection, contracts: Contracts = CONTRACTS) -> dict[str, Decision]:
    return {decision.dataset: decision for decision in planner.decide(connection, contracts, TRANSFORMS)}


def due_range(connection: Connection, dataset: str = SNAPSHOT) -> tuple[date, date] | None:
    decision = decide(connection)[dataset]
    return (decision.partitions.first, decision.partitions.last) if isinstance(decision, Due) else None


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.lists(st.integers(-3, 9), min_size=1, max_size=3)),
        st.tuples(st.just("close"), st.just([])),
        st.tuples(st.just("publish"), st.just([])),
    ),
    max_size=14,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_the_due_range_is_what_an_oracle_that_forgets_nothing_says(
    control: ControlDb, steps: list[tuple[str, list[int]]]
) -> None:
    with control.write("by a test") as connection:
        register = Register(connection)
        facts: list[tuple[int, date]] = []
        seen: dict[date, int] = {}
        for kind, dates in steps:
            if kind == "ingest":
                seq = register.ingest(*[day(number) for number in dates])
                facts += [(seq, day(number)) for number in dates]
            elif kind == "close":
                register.close(day(len(register.closed)))
            else:
                found = due_range(connection)
                if found is not None:
                    partitions = [d for d in register.closed if found[0] <= d <= found[1]]
                    register.publish(SNAPSHOT, *partitions, seen_seq=register.seq)
                    seen |= dict.fromkeys(partitions, register.seq)
            dirty = [
                closed
                for closed in register.closed
                if closed not in seen or any(seq > seen[closed] and since <= closed for seq, since in facts)
            ]
            assert due_range(connection) == ((min(dirty), register.closed[-1]) if dirty else None)
        connection.rollback()


def test_before_any_date_is_closed_nothing_is_due(connection: Connection) -> None:
    register = Register(connection)
    register.ingest(day(0))
    assert all(isinstance(decision, NotDue) for decision in decide(connection).values())


def test_a_published_dataset_that_no_contract_describes_is_told(connection: Connection) -> None:
    """As where a product's folder is gone, or CASEGOLD_PRODUCTS_DIR is not set in this process."""
    register = Register(connection)
    register.close_range(day(0), day(4))
    register.publish("reports/of_somebody", day(0), day(1))
    last = planner.decide(connection, CONTRACTS, TRANSFORMS)[-1]
    assert isinstance(last, NotDue)
    assert last.dataset == "reports/of_somebody"
    assert "is CASEGOLD_PRODUCTS_DIR set as it was" in last.why


def test_new_totals_of_a_published_date_make_it_due_again(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(day(0), day(4))
    register.publish(SNAPSHOT, *register.closed)
    assert due_range(connection) is None
    register.totals(day(2), 7)
    assert due_range(connection) == (day(2), day(4))


def test_what_is_due_pins_all_that_its_outcome_depends_on(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(day(0), day(4))
    first = register.publish(SNAPSHOT, day(0), day(1))
    register.publish(SNAPSHOT, day(2), day(3))
    register.ingest(day(2), day(2), day(4))
    register.totals(day(3), 7)
    contract = CONTRACTS[SNAPSHOT]
    assert decide(connection)[SNAPSHOT] == Due(
        dataset=SNAPSHOT,
        pipeline=Pipeline.SNAPSHOT,
        partitions=PartitionRange(day(2), day(4)),
        scope={
            "partitions": ["2026-01-03", "2026-01-05"],
            "admitted_seq": 1,
            "totals_seq": 1,
            "previous_version": first,
            "contract": [contract.version, contract.digest],
            "waivers": [],
        },
        restated=2,
        fresh=1,
        why="2 facts or new totals change figures from 2026-01-03 on: 2 dates restated, 1 new",
        unapproved=2,
    )


def test_the_first_dates_have_no_version_before_them(connection: Connection) -> None:
    Register(connection).close_range(day(0), day(2))
    decision = decide(connection)[SNAPSHOT]
    assert isinstance(decision, Due)
    assert (decision.restated, decision.fresh, decision.scope["previous_version"]) == (0, 3, None)
    assert decision.why == "3 closed dates without a version, from 2026-01-01"


@pytest.mark.parametrize(
    ("beyond", "must_ask", "asks"), [(0, False, False), (1, False, True), (0, True, True), (-1, True, True)]
)
def test_people_are_asked_from_one_official_partition_too_many_on(beyond: int, must_ask: bool, asks: bool) -> None:
    contract = CONTRACTS[SNAPSHOT]
    count = contract.max_partitions_automatic + beyond
    due = Due(SNAPSHOT, Pipeline.SNAPSHOT, PartitionRange(day(0), day(99)), {}, 100, 0, "", count, must_ask)
    assert planner.needs_approval(contract, due) is asks


def test_what_is_not_due_says_what_it_waits_for(connection: Connection) -> None:
    assert {decision.why for decision in _waiting(connection)} == {"no date is closed yet"}
    register = Register(connection)
    register.close_range(date(2026, 1, 30), date(2026, 1, 31))
    register.publish(SNAPSHOT, *register.closed[:1])
    told = {decision.dataset: decision.why for decision in _waiting(connection)}
    assert told == {REPORT: f"2026-01-01 waits for {SNAPSHOT} 2026-01-31", METRICS: "no quarter is over yet"}
    register.publish(SNAPSHOT, *register.closed)
    assert _told(connection, SNAPSHOT) == "every closed date is published and clean"
    register.hold(SNAPSHOT, date(2026, 1, 31), date(2026, 1, 31), kind="PINNED")
    register.ingest(date(2026, 1, 30))
    assert _told(connection, SNAPSHOT) == "held from 2026-01-31: test"


def _waiting(connection: Connection) -> list[NotDue]:
    return [decision for decision in decide(connection).values() if isinstance(decision, NotDue)]


def _told(connection: Connection, dataset: str) -> str:
    return next(decision.why for decision in _waiting(connection) if decision.dataset == dataset)


def test_a_hold_on_unpublished_dates_lets_the_dates_before_it_move(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(day(0), day(4))
    register.ingest(day(0))
    register.publish(SNAPSHOT, day(0), day(1), day(2), seen_seq=register.seq)
    held = PartitionRange(day(3), day(4))
    contract = CONTRACTS[SNAPSHOT]
    print_ = holds.fingerprint(connection, contract, "1", held)
    register.hold(SNAPSHOT, held.first, held.last, kind="GATE", fingerprint=print_)
    assert due_range(connection) is None
    register.totals(day(1), 3)
    assert due_range(connection) == (day(1), day(2))


def test_a_hold_ends_when_what_its_checks_read_changes(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(day(0), day(2))
    held = PartitionRange(day(0), day(2))
    print_ = holds.fingerprint(connection, CONTRACTS[SNAPSHOT], "1", held)
    register.hold(SNAPSHOT, day(0), day(2), kind="GATE", fingerprint=print_)
    assert due_range(connection) is None
    register.ingest(day(3))  # a later fact cannot change the verdict
    assert due_range(connection) is None
    register.totals(day(1), 3)
    assert due_range(connection) == (day(0), day(2))


def test_a_hold_on_a_published_date_stops_the_whole_range(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(day(0), day(4))
    register.publish(SNAPSHOT, *register.closed)
    register.hold(SNAPSHOT, day(3), day(3), kind="PINNED")
    register.ingest(day(1))
    decision = decide(connection)[SNAPSHOT]
    assert isinstance(decision, NotDue)
    assert decision.unsettled_from == day(1)


def test_a_month_is_due_once_all_its_days_are_published_and_clean(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(date(2026, 1, 20), date(2026, 2, 27))
    register.publish(SNAPSHOT, *register.closed)
    assert due_range(connection, REPORT) == (date(2026, 1, 1), date(2026, 1, 1))
    register.close(date(2026, 2, 28))
    assert due_range(connection, REPORT) == (date(2026, 1, 1), date(2026, 1, 1))  # 28 February is unpublished
    register.publish(SNAPSHOT, date(2026, 2, 28))
    assert due_range(connection, REPORT) == (date(2026, 1, 1), date(2026, 2, 1))
    register.ingest(date(2026, 2, 3))  # February is dirty until its days are restated
    assert due_range(connection, REPORT) == (date(2026, 1, 1), date(2026, 1, 1))


def test_a_quarter_is_due_once_its_last_day_is_published_and_again_when_a_day_is_restated(
    connection: Connection,
) -> None:
    register = Register(connection)
    quarter = date(2026, 1, 1)
    register.close_range(quarter, date(2026, 3, 31))
    register.publish(SNAPSHOT, *register.closed[:-1])
    assert due_range(connection, METRICS) is None
    register.publish(SNAPSHOT, date(2026, 3, 31))
    decision = decide(connection)[METRICS]
    assert isinstance(decision, Due)
    assert (decision.partitions.first, decision.partitions.last) == (quarter, quarter)
    inputs = decision.scope["inputs"][quarter.isoformat()]
    assert len(inputs) == 90
    register.publish(METRICS, quarter, seen_inputs=holds.digest_of(inputs))
    assert due_range(connection, METRICS) is None
    register.ingest(date(2026, 2, 3))
    assert due_range(connection, METRICS) is None  # dirty days are restated first
    register.publish(SNAPSHOT, *register.closed[33:], seen_seq=register.seq)
    assert due_range(connection, METRICS) == (quarter, quarter)


def test_a_published_month_is_due_again_when_an_input_version_changes(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(date(2026, 1, 1), date(2026, 1, 31))
    register.publish(SNAPSHOT, *register.closed)
    january = date(2026, 1, 1)
    decision = decide(connection)[REPORT]
    assert isinstance(decision, Due)
    assert decision == Due(
        dataset=REPORT,
        pipeline=Pipeline.REPORT,
        partitions=PartitionRange(january, january),
        scope={
            "partitions": ["2026-01-01", "2026-01-01"],
            "inputs": {"2026-01-01": [[SNAPSHOT, closed.isoformat(), register.version] for closed in register.closed]},
            "contract": [CONTRACTS[REPORT].version, CONTRACTS[REPORT].digest],
            "waivers": [],
        },
        restated=0,
        fresh=1,
        why=f"the inputs of {decision.partitions} are official and differ from those recorded",
        unapproved=0,
    )
    inputs = holds.digest_of(decision.scope["inputs"][january.isoformat()])
    register.publish(REPORT, january, seen_inputs=inputs)
    assert due_range(connection, REPORT) is None
    register.publish(SNAPSHOT, date(2026, 1, 31), seen_seq=register.seq)
    again = decide(connection)[REPORT]
    assert isinstance(again, Due)
    assert (again.partitions, again.restated, again.fresh) == (PartitionRange(january, january), 1, 0)
    assert again.unapproved == 1


def test_a_day_that_a_person_pinned_keeps_its_month_waiting(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(date(2026, 1, 1), date(2026, 1, 31))
    register.publish(SNAPSHOT, *register.closed)
    register.hold(SNAPSHOT, date(2026, 1, 7), date(2026, 1, 7), kind="PINNED")
    assert due_range(connection, REPORT) is None


def test_what_arrives_while_a_run_judges_is_not_taken_for_judged(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(day(0), day(2))
    register.totals(day(1), 3)
    held = PartitionRange(day(0), day(2))
    judged_at = holds.JudgedAt(register.seq, register.totals_seq, (), datetime.now(UTC))
    register.totals(day(1), 4, revision=2)  # while the run was under way
    print_ = holds.fingerprint(connection, CONTRACTS[SNAPSHOT], "1", held, judged_at=judged_at)
    register.hold(SNAPSHOT, day(0), day(2), kind="GATE", fingerprint=print_)
    assert due_range(connection) == (day(0), day(2))


def test_a_record_rejected_after_the_verdict_is_a_reason_to_judge_again(connection: Connection) -> None:
    register = Register(connection)
    register.close_range(day(0), day(2))
    held = PartitionRange(day(0), day(2))
    print_ = holds.fingerprint(connection, CONTRACTS[SNAPSHOT], "1", held)
    register.hold(SNAPSHOT, day(0), day(2), kind="GATE", fingerprint=print_)
    assert due_range(connection) is None
    connection.execute(
        "insert into ingest_commit (dataset, seq, kind, run_id, records, rejected)"
        " values ('silver/case_events', 9, 'INGEST', %s, 1, 1)",
        (RUN,),
    )
    assert due_range(connection) == (day(0), day(2))


def test_an_expired_request_for_approval_is_asked_again(control: ControlDb, owner: ControlDb) -> None:
    wanted = PartitionRange(day(0), day(2))
    with control.write("by a test") as connection:
        assert backfill_requests.ask(connection, SNAPSHOT, wanted, "too many")
        assert not backfill_requests.ask(connection, SNAPSHOT, wanted, "too many")
    with owner.write("by a test") as connection:
        connection.execute("update backfill_request set expires_at = clock_timestamp() - interval '1 day'")
    with control.write("by a test") as connection:
        assert backfill_requests.ask(connection, SNAPSHOT, wanted, "too many")
    states = control.rows("select state from backfill_request order by requested_at")
    assert [row["state"] for row in states] == ["EXPIRED", "REQUESTED"]
