"""An attempt that hangs ends its own process when its time is over, whatever it holds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from casegold.control.db import ControlDb
from casegold.control.model import Pipeline
from casegold.jobs import batch_job
from casegold.jobs.ingest_pipelines import TOTALS
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.scheduling.ticks import domain_tick
from tests.e2e.installation import command

RUN = """
import sys
from datetime import timedelta
from casegold.jobs import batch_job
batch_job.DEADLINES = dict.fromkeys(batch_job.DEADLINES, timedelta(seconds=10))
batch_job.GIVE_UP_SECONDS = 2.0
batch_job.main(["--run-id", sys.argv[1]])
"""


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {"first_date": "2026-01-01", "business_clock": "2026-03-04T12:00:00+00:00"}


def test_every_pipeline_has_its_deadline() -> None:
    assert set(batch_job.DEADLINES) == set(Pipeline)


@pytest.mark.parametrize(
    ("failpoint", "state"),
    [
        ("append-bronze/control_totals.before:hang", "FAILED"),
        # It hangs in the transaction that holds the claim: even its end cannot be recorded, the silence tells.
        ("totals-complete.before:hang", "RUNNING"),
    ],
)
def test_a_hanging_attempt_ends_at_its_deadline(settings: Settings, failpoint: str, state: str) -> None:
    command("simulate", "--cases", 5, "--days", 2, "--seed", 1, "--until", "2026-03-03")
    (attempt,) = domain_tick(open_platform(settings), TOTALS)
    done = subprocess.run(
        [sys.executable, "-c", RUN, attempt.run_id],
        env=os.environ | {"CASEGOLD_FAILPOINT": failpoint},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 20, done.stderr
    assert "did not end within 0:00:10" in done.stderr
    control = ControlDb(settings.control_url())
    (row,) = control.rows("select a.state, m.state as run from run_attempt a join run_manifest m using (run_id)")
    assert (row["state"], row["run"]) == (state, "OPEN")
