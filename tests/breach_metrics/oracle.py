"""The quarter's figures as docs/breach-metrics.md tells them: plain Python over snapshot rows, one case at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil
from typing import Any

Row = dict[str, Any]
LIVE = ("RUNNING", "PAUSED")


def metrics(rows: Iterable[Row], quarter: date, last: date, starts_at: datetime) -> list[Row]:
    """The rows of one quarter in the order of its key.

    Args:
        rows: snapshots of the quarter and, if there is one, of the day before it.
        last: the quarter's last date.
        starts_at: the instant at which it begins.
    """
    lives: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["snapshot_date"]):
        lives[row["case_id"]].append(row)
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for life in lives.values():
        end = life[-1]
        assert end["snapshot_date"] == last
        groups[end["case_type"], end["jurisdiction"], end["team"] or ""].append(_case(life, quarter, starts_at))
    return [_group(quarter, key, groups[key]) for key in sorted(groups)]


def _case(life: list[Row], quarter: date, starts_at: datetime) -> Row:
    end = life[-1]
    started, live = 0, False
    state, consumed = "NONE", 0
    for today in life:
        now, count = today["clock_state"], today["clock_consumed_seconds"]
        if today["snapshot_date"] >= quarter:
            begins = (state == "NONE" and now != "NONE") or (state == "STOPPED" and now in LIVE)
            started += begins or (now != "NONE" and count < consumed)
            live = live or state in LIVE or now in LIVE
        state, consumed = now, count
    breached = end["breached"] and max(end["breached_at"], end["opened_at"]) >= starts_at
    with_clock = bool(started or live or breached)
    allowed = end["clock_allowed_seconds"]
    share = Fraction(consumed, allowed) if with_clock and allowed else None
    return {
        "started": started,
        "clock": with_clock,
        "running": state == "RUNNING",
        "breached": breached,
        "share": share,
    }


def _group(quarter: date, key: tuple[str, str, str], cases: list[Row]) -> Row:
    clocks, breached = sum(case["clock"] for case in cases), sum(case["breached"] for case in cases)
    shares = sorted(case["share"] for case in cases if case["share"] is not None)
    return {
        "quarter_start": quarter,
        "case_type": key[0],
        "jurisdiction": key[1],
        "team": key[2],
        "cases": len(cases),
        "cases_with_clock": clocks,
        "clocks_started": sum(case["started"] for case in cases),
        "clocks_running": sum(case["running"] for case in cases),
        "cases_breached": breached,
        "breach_rate": _rounded(Fraction(breached, clocks)) if clocks else None,
        "shares_measured": len(shares),
        "consumed_share_p50": _nearest_rank(shares, 50),
        "consumed_share_p90": _nearest_rank(shares, 90),
    }


def _nearest_rank(shares: list[Fraction], percent: int) -> Decimal | None:
    return _rounded(shares[ceil(Fraction(percent * len(shares), 100)) - 1]) if shares else None


def _rounded(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / value.denominator).quantize(Decimal("0.000001"), ROUND_HALF_UP)
