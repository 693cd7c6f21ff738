"""The nightly verification: a rotating sample, red where figures cannot be reproduced, until they can."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
import pytest

from casegold.control.db import ControlDb
from casegold.transform import version
from resources.runs import EXIT_CLASS_TAG
from tests.platform.conftest import LAST, House, send
from tests.platform.test_computed_runs import DAYS, SENSORS, failure_of
from tests.verification.test_verify import local, other_content, with_another_value

SNAPSHOT = "gold/case_daily_snapshot"


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {"first_date": "2026-01-01", "business_clock": "2026-03-04T12:00:00+00:00", "verification_sample": "2"}


def checks(house: House) -> dict[str, tuple[bool, dg.AssetCheckSeverity]]:
    found = house.launch("standing_questions").get_asset_check_evaluations()
    return {each.check_name: (each.passed, each.severity) for each in found if each.check_name.startswith("figures_")}


def looked_at(control: ControlDb) -> list[tuple[str, str]]:
    rows = control.rows("select partition_key, outcome from verification order by verification_id")
    return [(row["partition_key"].isoformat(), row["outcome"]) for row in rows]


def test_the_job_takes_a_sample_in_turn_and_its_checks_tell_what_it_found(
    house: House, control: ControlDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    send()
    house.until_quiet(*SENSORS)
    assert house.launch("verify_figures").success
    assert looked_at(control) == [(DAYS[0], "VERIFIED"), (DAYS[1], "VERIFIED")]
    assert {name for name, (passed, _) in checks(house).items() if passed} == {
        "figures_reproducible",
        "figures_verifiable",
    }
    (row,) = control.rows("select file_path from version_file where partition_key = %(day)s", {"day": LAST})
    with other_content(local(row["file_path"]), with_another_value(local(row["file_path"]), 0, 3)):
        failed = house.launch("verify_figures")
    assert not failed.success
    assert f"{SNAPSHOT} {DAYS[2]}: version 1 is DIFFERENT" in str(failure_of(failed))
    assert house.run_tags(failed)[EXIT_CLASS_TAG] == "50"
    assert looked_at(control)[2:] == [(DAYS[0], "VERIFIED"), (DAYS[2], "DIFFERENT")]
    assert checks(house)["figures_reproducible"] == (False, dg.AssetCheckSeverity.ERROR)
    with monkeypatch.context() as patch:
        patch.setattr(
            version,
            "versions",
            lambda products: dict.fromkeys((each.transform for each in products), "other-1+0123456789ab"),
        )
        assert house.launch("verify_figures").success, "the check tells of it, and no retry would help"
    assert looked_at(control)[4:] == [(DAYS[0], "UNVERIFIABLE"), (DAYS[1], "UNVERIFIABLE")]
    found = checks(house)
    assert found["figures_reproducible"] == (False, dg.AssetCheckSeverity.ERROR), "still"
    assert found["figures_verifiable"] == (False, dg.AssetCheckSeverity.WARN)
    assert house.launch("verify_figures").success
    assert looked_at(control)[6:] == [(DAYS[0], "VERIFIED"), (DAYS[2], "VERIFIED")]
    assert checks(house)["figures_reproducible"][0]
