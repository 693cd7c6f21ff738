"""Launched by hand through `dagster asset materialize`: computed, verified, or told in one sentence why neither."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
import pytest

from casegold.control.integrity import standing_checks
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import REPOSITORY
from casegold.scheduling.ticks import domain_tick
from casegold.scheduling.worker import execute
from casegold.servers import dagster_home
from resources.runs import EXIT_CLASS_TAG
from tests.e2e.installation import REPORT, SNAPSHOT, Installation
from tests.history.story import FIRST, LAST, MONTH, OVERRIDES, SINCE, send_late, tell
from tests.verification.test_verify import other_content, paths_of, with_another_value

SILVER = "bronze/case_events,bronze/rejected_events,silver/case_events"


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@dataclass
class Shell:
    """A person's shell after `eval "$(casegold env)"`."""

    installation: Installation
    instance: dg.DagsterInstance
    environment: Mapping[str, str]

    def materialize(self, select: str, *options: object) -> tuple[int, str]:
        """`dagster asset materialize`: exit code, and everything it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "dagster", "asset", "materialize", "--select", select, *map(str, options)],
            env=dict(self.environment),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def refused(self, select: str, *options: object) -> str:
        """What a launch printed that failed with one sentence: no stack trace, and the exit class on the run."""
        code, said = self.materialize(select, *options)
        assert code != 0, said
        assert "Traceback" not in said and "Stack Trace" not in said and 'File "' not in said, said
        return said

    def exit_class(self) -> str:
        (run,) = self.instance.get_runs(limit=1)
        return run.tags[EXIT_CLASS_TAG]

    def told(self, dataset: str, partition: date) -> str:
        """What the last materialisation of a partition says."""
        key = dg.AssetKey(dataset.split("/"))
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(key, asset_partitions=[partition.isoformat()]), limit=1
        ).records
        materialization = records[0].asset_materialization
        assert materialization is not None
        return f"{materialization.description}; {materialization.metadata['verified'].value}"


@pytest.fixture
def shell(settings: Settings) -> Iterator[Shell]:
    installation = tell(settings)
    home = dagster_home.make(settings)
    environment = dagster_home.process_environment(settings) | dagster_home.FOR_THE_SHELL
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield Shell(installation, instance, {**os.environ, **environment})


def test_what_is_official_is_verified(shell: Shell) -> None:
    versions = shell.installation.version_numbers(SNAPSHOT)
    code, said = shell.materialize(SNAPSHOT, "--partition-range", f"{FIRST}...{LAST}")
    assert code == 0, said
    assert shell.told(SNAPSHOT, FIRST) == "version 1 verified; version 1 verified"
    assert shell.told(SNAPSHOT, LAST) == "version 2 verified; version 2 verified"
    code, said = shell.materialize(REPORT, "--partition", MONTH)
    assert code == 0, said
    assert shell.told(REPORT, MONTH) == "version 2 verified; version 2 verified"
    assert shell.installation.version_numbers(SNAPSHOT) == versions


def test_a_difference_fails_loudly_and_stays_red(shell: Shell) -> None:
    (path,) = paths_of(shell.installation, SNAPSHOT, SINCE)
    with other_content(path, with_another_value(path, 0, 3)):
        said = shell.refused(SNAPSHOT, "--partition", SINCE)
    assert f"{SNAPSHOT} {SINCE}: version 2 is DIFFERENT" in said
    assert shell.exit_class() == "50"
    assert standing_checks.ask(shell.installation.platform.control, standing_checks.IRREPRODUCIBLE).count == 1
    code, said = shell.materialize(SNAPSHOT, "--partition", SINCE)
    assert code == 0 and "version 2 verified" in said, said
    assert shell.told(SNAPSHOT, SINCE) == "version 2 verified; version 2 verified"
    assert standing_checks.ask(shell.installation.platform.control, standing_checks.IRREPRODUCIBLE).count == 0


def test_what_is_not_due_is_told_in_one_sentence_with_the_command_that_helps(shell: Shell, settings: Settings) -> None:
    code, said = shell.materialize(SNAPSHOT, "--partition", LAST + timedelta(days=3))
    assert code != 0 and "Could not find a partition" in said, "Dagster itself knows no date after the business clock"
    said = shell.refused(SILVER)
    assert "every offset is read" in said
    assert shell.exit_class() == "40"
    send_late(settings, "later", SINCE)
    for attempt in domain_tick(shell.installation.platform, "silver/case_events"):
        execute(shell.installation.platform, attempt)
    said = shell.refused(SNAPSHOT, "--partition", SINCE)
    assert f"due is {SINCE}..{LAST}" in said and f"launch exactly {SINCE} to {LAST}" in said
    assert shell.installation.version_numbers(SNAPSHOT) == [1, 2]
    assert shell.materialize(SNAPSHOT, "--partition", FIRST)[0] == 0, "what nothing waits to change is verified"
    code, said = shell.materialize(SNAPSHOT, "--partition-range", f"{SINCE}...{LAST}")
    assert code == 0, said
    assert shell.installation.version_numbers(SNAPSHOT) == [1, 2, 3]
