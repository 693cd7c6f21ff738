"""A product of one's own, from SQL and contract in a directory outside: held by its own check, published, restated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from casegold.cli.main import casegold
from casegold.control.versions.provenance import artifacts
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.errors import ConfigurationError, ExitClass
from casegold.domain.events import CaseClosed, EventType
from casegold.runtime.settings import Settings, load_settings
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.e2e.test_late_facts import event, send

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, LAST = date(2024, 2, 24), date(2024, 2, 29)
MONTH = date(2024, 2, 1)
NAME = "overdue_cases"
DATASET = f"reports/{NAME}"
OF_THE_MONTH = "      - { dataset: gold/case_daily_snapshot, mapping: daysOfPeriod }\n"
DAY_BEFORE = "      - { dataset: gold/case_daily_snapshot, mapping: dayBeforePeriod }\n"
RIGHT = "count(*) filter (where breached)"
WRONG = "count(*) + 1"


@pytest.fixture
def overrides(tmp_path: Path) -> Mapping[str, str]:
    (tmp_path / "mine").mkdir()
    clock = CALENDAR.end_of(LAST).isoformat()
    return {
        "time_zone": CALENDAR.zone_name,
        "first_date": FIRST.isoformat(),
        "business_clock": clock,
        "products_dir": str(tmp_path / "mine"),
    }


def by_hand(installation: Installation) -> list[dict[str, Any]]:
    """What the product counts, from the published snapshot of the month's last day."""
    still_open = [row for row in installation.rows(SNAPSHOT, LAST, LAST) if row["status"] != "CLOSED"]
    cases = Counter(row["case_type"] for row in still_open)
    breached = Counter(row["case_type"] for row in still_open if row["breached"])
    return [
        {"month": MONTH, "case_type": kind, "open_cases": count, "breached_cases": breached[kind]}
        for kind, count in sorted(cases.items())
    ]


def read_two_inputs(folder: Path) -> None:
    """The month's days and the day before, which has no rows: the register begins within the month."""
    contract, rules = folder / "contract.yaml", folder / "rows.sql"
    contract.write_text(contract.read_text().replace(OF_THE_MONTH, OF_THE_MONTH + DAY_BEFORE))
    before = "count(*) + (select count(*) from case_daily_snapshot_before) as open_cases"
    rules.write_text(rules.read_text().replace("count(*) as open_cases", before))
    command("product", "check", NAME, "--record")


def announced(installation: Installation) -> list[str]:
    found = installation.platform.control.rows(
        "select type from outbox where aggregateid = %(dataset)s order by position", {"dataset": DATASET}
    )
    return [row["type"] for row in found]


def test_a_product_of_ones_own_is_gated_published_and_restated(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("product", "new", NAME)
    read_two_inputs(tmp_path / "mine" / NAME)
    rules = tmp_path / "mine" / NAME / "rows.sql"
    right = rules.read_text(encoding="utf-8")
    assert RIGHT in right
    rules.write_text(right.replace(RIGHT, WRONG), encoding="utf-8")
    simulated = ("--cases", 30, "--days", 6, "--seed", 3, "--until", LAST, "--duplicates", 0, "--out-of-order", 0)
    command("simulate", *simulated)

    installation = Installation(load_settings())
    executed = {each.attempt.dataset: each.exit_class for each in installation.work()}
    assert executed[DATASET] is ExitClass.VALIDATION_FAILED
    assert installation.published(DATASET) == []
    assert installation.published(REPORT) == [MONTH], "ours go on"
    assert "breached_are_open" in command("holds")
    assert announced(installation) == ["QualityViolationDetected"]

    rules.write_text(right, encoding="utf-8")
    assert "as expected" in command("product", "check", NAME)
    installation = Installation(load_settings())
    installation.work()
    assert installation.version_numbers(DATASET) == [1]
    assert installation.rows(DATASET, MONTH, MONTH) == by_hand(installation) != []
    assert announced(installation) == ["QualityViolationDetected", "DatasetVersionPublished"]
    files = {each.name for each in artifacts(installation.platform.control, DATASET, 1, MONTH)}
    assert files == {"overdue-cases-2024-02.csv", "overdue-cases-2024-02.html"}
    assert f"{MONTH}  version 1 verified" in command("verify", DATASET)

    before = by_hand(installation)
    closed = next(row for row in installation.rows(SNAPSHOT, LAST, LAST) if row["status"] != "CLOSED")
    late = CaseClosed(reason="settled")
    send(settings, event("late-closing", EventType.CASE_CLOSED, closed["case_id"], LAST - timedelta(days=1), late))
    installation.work()
    assert installation.version_numbers(DATASET) == [1, 2]
    after = installation.rows(DATASET, MONTH, MONTH)
    assert after == by_hand(installation)
    assert sum(row["open_cases"] for row in after) == sum(row["open_cases"] for row in before) - 1
    assert installation.rows(DATASET, MONTH, MONTH, version=1) == before, "what was official then"
    assert announced(installation)[-1] == "DatasetVersionPublished"
    assert SNAPSHOT in command("causes", DATASET, 2)

    assert "no contract describes" not in command("plan")
    monkeypatch.delenv("CASEGOLD_PRODUCTS_DIR")
    assert "published, but no contract describes it here" in command("plan")
    refused = CliRunner().invoke(casegold, ["show", DATASET, "--partition", MONTH.isoformat()]).exception
    assert isinstance(refused, ConfigurationError)
    assert "CASEGOLD_PRODUCTS_DIR" in refused.remedy
