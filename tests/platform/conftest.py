"""Dagster for tests: a real ephemeral instance over a real installation, moved tick by tick and run by run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import dagster as dg
import pytest
from click.testing import CliRunner

from casegold.cli.load import simulate
from casegold.control.db import ControlDb
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from platform_assets.build import build_defs
from resources.platform import PlatformResource

LAST = date(2026, 3, 3)


@dataclass
class House:
    """One installation with its code location and an instance of Dagster."""

    platform: Platform
    defs: dg.Definitions
    resource: PlatformResource
    instance: dg.DagsterInstance

    def tick(self, sensor: str) -> list[dg.RunRequest]:
        """One tick of a sensor; the run requests of it."""
        context = dg.build_sensor_context(instance=self.instance, resources={"platform": self.resource})
        found = self.defs.get_sensor_def(sensor).evaluate_tick(context)
        return list(found.run_requests or [])

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Run what a sensor requested."""
        assert request.job_name is not None
        return self.launch(request.job_name, request.tags)

    def launch(
        self, job: str, tags: Mapping[str, str] | None = None, config: Mapping[str, Mapping[str, str]] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Launch a job as a person would, or a daemon with tags.

        Args:
            config: of ops, by name.
        """
        ops = {name: {"config": dict(values)} for name, values in (config or {}).items()}
        return self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, tags=dict(tags or {}), run_config={"ops": ops}, raise_on_error=False
        )

    def run_tags(self, result: dg.ExecuteInProcessResult) -> Mapping[str, str]:
        run = self.instance.get_run_by_id(result.run_id)
        assert run is not None
        return run.tags

    def until_quiet(self, *sensors: str) -> list[dg.ExecuteInProcessResult]:
        """Tick and run until no sensor asks for anything."""
        done: list[dg.ExecuteInProcessResult] = []
        while requests := [request for sensor in sensors for request in self.tick(sensor)]:
            assert len(done) < 50, "the sensors ask for ever"
            done += [self.run(request) for request in requests]
        return done


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {"first_date": "2026-01-01", "business_clock": "2026-03-04T12:00:00+00:00"}


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    with dg.DagsterInstance.ephemeral() as instance:
        resource = PlatformResource(settings)
        yield House(open_platform(settings), build_defs(settings, resource), resource, instance)


def send(*options: str) -> None:
    """Simulate three days that end on `LAST`, and send them."""
    arguments = ["--cases", "30", "--days", "3", "--seed", "1", "--until", LAST.isoformat(), *options]
    result = CliRunner().invoke(simulate, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def all_attempts(control: ControlDb) -> list[tuple[str, int, str]]:
    """Dataset, number and state of every attempt, oldest first."""
    rows = control.rows(
        "select m.dataset, a.attempt, a.state from run_attempt a join run_manifest m using (run_id)"
        " order by a.requested_at, a.attempt"
    )
    return [(row["dataset"], row["attempt"], row["state"]) for row in rows]
