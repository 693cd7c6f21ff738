"""Plans are made from control state alone, in seconds for ten years, and say what would happen."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from casegold.control.changes import backfill_plan
from casegold.control.changes.backfill_plan import Wanted
from casegold.control.db import ControlDb
from casegold.control.model import Mode, PartitionRange
from casegold.control.planning import planner
from casegold.domain.errors import ConfigurationError
from casegold.runtime.contracts import load_contracts
from casegold.runtime.product_folder import read_products
from casegold.runtime.settings import Settings
from casegold.transform import version as transforms
from tests.control.register import REPORT, SNAPSHOT, Register

FIRST = date(2014, 1, 1)
TEN_YEARS = 3650
TRANSFORMS = transforms.versions(read_products())
LAST = FIRST + timedelta(days=TEN_YEARS - 1)


def test_a_plan_of_ten_years_holds_no_list_of_dates(database: Settings, control: ControlDb) -> None:
    contracts = load_contracts(database.contracts_dir, first_date=FIRST)
    with control.write("by a test") as connection:
        register = Register(connection)
        register.close_range(FIRST, LAST)
        days = [FIRST + timedelta(days=offset) for offset in range(TEN_YEARS)]
        register.publish(SNAPSHOT, *days[:-10])
        wanted = Wanted(SNAPSHOT, PartitionRange(FIRST, FIRST), Mode.BACKFILL)
        plan = backfill_plan.make(connection, contracts, TRANSFORMS, wanted)
        assert (plan.restated, plan.new, plan.last) == (TEN_YEARS - 10, 10, LAST)
        assert plan.estimate.minutes is None, "no run has ended: no number is invented"
        downstream = {each.dataset: (each.first, each.partitions) for each in plan.downstream}
        assert downstream[REPORT] == (FIRST, 119)
        assert plan.consumers == ["analysis@regulator.example", "publications@regulator.example"]
        assert len(json.dumps(plan.as_json())) < 5_000
        with pytest.raises(ConfigurationError, match="is over and closed"):
            beyond = PartitionRange(LAST + timedelta(days=1), LAST + timedelta(days=2))
            backfill_plan.make(connection, contracts, TRANSFORMS, Wanted(SNAPSHOT, beyond, Mode.BACKFILL))


def test_chosen_periods_of_a_report_are_planned_alone(database: Settings, control: ControlDb) -> None:
    contracts = load_contracts(database.contracts_dir, first_date=FIRST)
    with control.write("by a test") as connection:
        register = Register(connection)
        register.close_range(FIRST, FIRST + timedelta(days=120))
        wanted = Wanted(REPORT, PartitionRange(FIRST, date(2014, 12, 1)), Mode.BACKFILL)
        plan = backfill_plan.make(connection, contracts, TRANSFORMS, wanted)
        assert (plan.first, plan.last, plan.restated, plan.new) == (FIRST, date(2014, 4, 1), 0, 4)
        assert plan.facts.count == 0
        assert plan.downstream == []
        assert plan.consumers == ["publications@regulator.example"]
        assert planner.decide(connection, contracts, TRANSFORMS)
