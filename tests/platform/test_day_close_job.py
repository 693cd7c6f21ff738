"""The nightly job closes days by itself, with every sensor switched off."""

from __future__ import annotations

from casegold.control.db import ControlDb
from tests.platform.conftest import House, send


def test_the_job_closes_what_is_over_and_complete(house: House, control: ControlDb) -> None:
    send()
    house.until_quiet("domain_events", "domain_totals")
    assert house.launch("day_close").success
    assert len(control.rows("select business_date from day_close")) == 3
    assert house.launch("day_close").success
    assert len(control.rows("select business_date from day_close")) == 3


def test_the_standing_job_asks_every_question(house: House) -> None:
    send()
    house.until_quiet("domain_events", "domain_totals", "day_close", "planner")
    asked = {each.check_name: each.passed for each in house.launch("standing_questions").get_asset_check_evaluations()}
    assert asked.pop("no_overdue_closes")
    assert len(asked) == 23
    assert all(asked.values())
