"""The gate's questions to `gold/case_daily_snapshot`: how the columns of a row must agree, and all checks in one call.

The rules follow from the semantics of a case alone and allow all that these allow: facts dated before the opening,
a closing earlier than the opening, a clock without allowance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import DatasetContract
from casegold.quality.completeness import check_completeness, facts_of
from casegold.quality.continuity import check_continuity, check_presence
from casegold.quality.outside import REJECTED, check_conflicts, check_rejected
from casegold.quality.results import CheckResult, CheckStatus, not_judged
from casegold.quality.rows import RowRule, check_rules, check_schema, check_unique_key
from casegold.quality.verdict import Waiver

_END = "__end"
_NEEDS_ROWS = ("unique_key", "continuity", "presence", "consistency", "clock_has_allowance")
_SHOWN = ("status", "clock_state", "last_event_type", "decision_at", "closed_at", "breached", "breached_at")


@dataclass(frozen=True, slots=True)
class SnapshotSurroundings:
    """What the gate must know beside the rows themselves; everything as of the run's pinned sequences."""

    previous_cases: pl.Series | None
    """Case ids of the published day before the range; None = the register has no such day."""
    corrected_openings: pl.Series
    """Cases whose opening an admitted correction retracts or moves."""
    openings: pl.DataFrame
    """`case_id, opened_on`: cases with an admitted opening that no admitted correction touches (`openings.sql`)."""
    completeness: pl.DataFrame
    """The rows of `completeness.sql`."""
    rejections: pl.DataFrame
    """The rows of `rejections_counts.sql`."""
    rejections_sample: pl.DataFrame
    conflicts: pl.DataFrame
    """The rows of `conflicts.sql`."""
    event_types: tuple[str, ...]
    """The types that a required source counts for every date."""
    waivers: tuple[Waiver, ...] = ()
    """Approved by people: facts that they let be missing need no count."""


def check_snapshots(
    contract: DatasetContract,
    frame: pl.DataFrame,
    partitions: Sequence[date],
    calendar: BusinessCalendar,
    around: SnapshotSurroundings,
) -> tuple[CheckResult, ...]:
    """Every check of the contract for every date of a consecutive range, from the staged rows of exactly that range."""
    rules = {check.name: check.required for check in contract.checks}
    schema = check_schema(contract, frame, partitions, required=rules["schema"])
    complete = check_facts(contract, partitions, around)
    if set(frame.columns) != {column.name for column in contract.columns} or _types_differ(contract, frame):
        return (*schema, *complete, *not_judged(schema, {name: rules[name] for name in _NEEDS_ROWS}))
    return (
        *schema,
        *complete,
        *check_unique_key(contract, frame, partitions, required=rules["unique_key"]),
        *check_continuity(
            frame,
            partitions,
            previous=around.previous_cases,
            corrected_openings=around.corrected_openings,
            required=rules["continuity"],
        ),
        *check_presence(frame, partitions, openings=around.openings, required=rules["presence"]),
        *_check_rules(contract, _with_ends(frame, partitions, calendar), partitions, rules),
    )


def check_facts(
    contract: DatasetContract, partitions: Sequence[date], around: SnapshotSurroundings
) -> tuple[CheckResult, ...]:
    """Whether every fact that the sources counted is in the figures: the checks that need no rows of the dataset."""
    facts = facts_of(around.completeness)
    rejected = check_rejected(contract, around.rejections, around.rejections_sample, partitions, facts=facts)
    let_pass = {
        result.partition
        for result in rejected
        if result.status is CheckStatus.TOLERATED or any(w.covers(REJECTED, result.partition) for w in around.waivers)
    }
    complete = check_completeness(
        contract,
        around.completeness,
        partitions,
        event_types=around.event_types,
        required=contract.check("completeness").required,
        let_pass=let_pass,
    )
    return (*complete, *rejected, *check_conflicts(contract, around.conflicts, partitions, facts=facts))


def _with_ends(frame: pl.DataFrame, partitions: Sequence[date], calendar: BusinessCalendar) -> pl.DataFrame:
    ends = pl.DataFrame(
        {"snapshot_date": list(partitions), _END: [calendar.end_of(day) for day in partitions]},
        schema={"snapshot_date": pl.Date, _END: pl.Datetime("us", "UTC")},
    )
    return frame.join(ends, on="snapshot_date", how="left")


def _check_rules(
    contract: DatasetContract, dated: pl.DataFrame, partitions: Sequence[date], required: Mapping[str, bool]
) -> tuple[CheckResult, ...]:
    clock = [RowRule("clock_has_allowance", _clock_started() & pl.col("clock_allowed_seconds").is_null())]
    return tuple(
        result
        for check, rules, shown in (
            ("consistency", consistency_rules(), _SHOWN),
            ("clock_has_allowance", clock, ("clock_state",)),
        )
        for result in check_rules(check, contract, dated, partitions, rules, required=required[check], columns=shown)
    )


def consistency_rules() -> tuple[RowRule, ...]:
    """The rules of the check `consistency`, on the contract's columns and the date's end in `__end`."""
    return (*_status_rules(), *_time_rules(), *_clock_rules(), *_last_event_rules())


def _status_rules() -> tuple[RowRule, ...]:
    status = (
        pl.when(pl.col("closed_at").is_not_null())
        .then(pl.lit("CLOSED"))
        .when(pl.col("decision_at").is_not_null())
        .then(pl.lit("DECIDED"))
        .when(pl.col("escalation_level") >= 1)
        .then(pl.lit("ESCALATED"))
        .otherwise(pl.lit("OPEN"))
    )
    undecided = pl.col("decision").is_null()
    return (
        RowRule("status_follows_from_state", pl.col("status") != status),
        RowRule("decision_has_its_time", undecided != pl.col("decision_at").is_null()),
        RowRule("penalty_has_decision", pl.col("penalty_amount").is_not_null() & undecided),
        RowRule("penalty_has_currency", pl.col("penalty_amount").is_not_null() & pl.col("currency").is_null()),
        RowRule("currency_has_decision", pl.col("currency").is_not_null() & undecided),
        RowRule("evidence_within_events", pl.col("evidence_count") >= pl.col("event_count")),
    )


def _time_rules() -> tuple[RowRule, ...]:
    last, end = pl.col("last_event_at"), pl.col(_END)
    breach = pl.col("breached_at")
    return (
        RowRule("last_event_before_end", last >= end),
        RowRule("opened_until_last_event", pl.col("opened_at") > last),
        RowRule("decided_until_last_event", _given("decision_at", pl.col("decision_at") > last)),
        RowRule("closed_until_last_event", _given("closed_at", pl.col("closed_at") > last)),
        RowRule("breached_iff_breached_at", pl.col("breached") != breach.is_not_null()),
        RowRule("breach_before_end", _given("breached_at", breach >= end)),
    )


def _clock_rules() -> tuple[RowRule, ...]:
    running = pl.col("clock_state") == "RUNNING"
    none = pl.col("clock_state") == "NONE"
    allowed, deadline = pl.col("clock_allowed_seconds").is_not_null(), pl.col("clock_deadline_at")
    used = allowed | (pl.col("clock_consumed_seconds") != 0) | pl.col("breached")
    return (
        RowRule("no_clock_no_count", none & used),
        RowRule("deadline_iff_running", deadline.is_not_null() != (running & allowed)),
        RowRule("deadline_over_is_breach", _given("clock_deadline_at", deadline < pl.col(_END)) & ~pl.col("breached")),
    )


def _last_event_rules() -> tuple[RowRule, ...]:
    last, state = pl.col("last_event_type"), pl.col("clock_state")
    stopped = state.is_in(["NONE", "STOPPED"])
    return (
        RowRule("closing_closes", (last == "CaseClosed") & pl.col("closed_at").is_null()),
        RowRule("decision_decides", (last == "DecisionIssued") & _differs("decision_at", "last_event_at")),
        RowRule("decision_or_closing_stops_clock", last.is_in(["DecisionIssued", "CaseClosed"]) & ~stopped),
        RowRule("start_runs_clock", (last == "BreachClockStarted") & (state != "RUNNING")),
        RowRule("pause_stops_count", (last == "BreachClockPaused") & (state == "RUNNING")),
        RowRule("escalation_has_level", (last == "CaseEscalated") & (pl.col("escalation_level") < 1)),
        RowRule("evidence_is_counted", (last == "EvidenceReceived") & (pl.col("evidence_count") < 1)),
    )


def _clock_started() -> pl.Expr:
    return pl.col("clock_state") != "NONE"


def _given(column: str, bad: pl.Expr) -> pl.Expr:
    """`bad` where the column has a value, false where it is null."""
    return pl.when(pl.col(column).is_null()).then(pl.lit(value=False)).otherwise(bad)


def _differs(one: str, other: str) -> pl.Expr:
    """Different, a null being different from every value."""
    return pl.col(one).ne_missing(pl.col(other))


def _types_differ(contract: DatasetContract, frame: pl.DataFrame) -> bool:
    expected = pl.from_arrow(contract.arrow_schema().empty_table())
    assert isinstance(expected, pl.DataFrame)  # noqa: S101 - narrows the type: a table never becomes a series
    return any(frame.schema[name] != dtype for name, dtype in expected.schema.items())
