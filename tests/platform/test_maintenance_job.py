"""The nightly maintenance, with every sensor at work around it."""

from __future__ import annotations

from pathlib import Path

from casegold.control.db import ControlDb
from casegold.control.runs.claimed_tables import claims
from casegold.sink.lake import local_path
from tests.platform.conftest import House, all_attempts, send


def test_the_job_maintains_every_claim_and_changes_no_figure(house: House, control: ControlDb) -> None:
    send()
    house.until_quiet("domain_events", "domain_totals", "day_close", "planner")
    versions = control.rows("select dataset, version, state from dataset_version order by 1, 2")
    before = len(all_attempts(control))
    assert house.launch("maintenance").success
    done = control.rows("select dataset, state from run_manifest where pipeline = 'maintenance' order by dataset")
    assert [row["dataset"] for row in done] == sorted(claims(house.platform.contracts))
    assert {row["state"] for row in done} == {"SUCCEEDED"}
    assert len(all_attempts(control)) == before + len(done)
    assert control.rows("select dataset, version, state from dataset_version order by 1, 2") == versions
    assert house.until_quiet("domain_events", "domain_totals", "day_close", "planner") == []
    assert house.launch("maintenance").success, "asked twice on one day, it finds nothing to do"


def test_a_busy_dataset_is_left_alone(house: House, control: ControlDb) -> None:
    send()
    house.until_quiet("domain_events", "domain_totals", "day_close", "planner")
    send("--totals-revision", "2")
    (waiting,) = house.tick("domain_totals")
    assert house.launch("maintenance").success
    assert maintained(control) == set(claims(house.platform.contracts)) - {"bronze/control_totals"}
    assert house.run(waiting).success


def test_a_broken_table_keeps_no_other_from_its_maintenance(house: House, control: ControlDb) -> None:
    send()
    house.until_quiet("domain_events", "domain_totals", "day_close", "planner")
    head = house.platform.lake.table("bronze/control_totals").current_snapshot()
    assert head is not None
    Path(local_path(head.manifest_list)).unlink()
    assert not house.launch("maintenance").success
    assert maintained(control) == set(claims(house.platform.contracts)) - {"bronze/control_totals"}


def maintained(control: ControlDb) -> set[str]:
    rows = control.rows("select dataset from run_manifest where pipeline = 'maintenance' and state = 'SUCCEEDED'")
    return {row["dataset"] for row in rows}
