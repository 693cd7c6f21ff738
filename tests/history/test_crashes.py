"""A republish that dies at any of its effects: whoever comes next ends it, or the person asks again.

With the report, from which nothing else is made: another version of it costs no computation.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import pytest

from casegold.runtime.settings import Settings
from tests.crash.restarts import let_time_pass, one_command
from tests.e2e.installation import REPORT, Installation, command
from tests.history.story import MONTH, OVERRIDES, figures, tell
from tests.sampling.choose import ENDS, turns

EFFECTS = ("republish-ask", "stage-branch", "stage-commit", "version-prepare", "publish-commit", "version-complete")
PINNED = "select partition_key from partition_state where pinned"
RELEASE = ["release", REPORT, "--reason", "forward"]


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@pytest.fixture
def installation(settings: Settings) -> Installation:
    return tell(settings)


def ask(version: int) -> list[str]:
    return ["republish", REPORT, str(version), "--partition", MONTH.isoformat(), "--reason", "this one"]


def others_go_on(installation: Installation) -> None:
    """They find the dead attempt and, after its backoff, what it left."""
    for _ in range(2):
        let_time_pass(installation.platform.control)
        installation.work()


@pytest.mark.sampled
@pytest.mark.parametrize("points", turns(EFFECTS), ids=range(len(ENDS)))
def test_a_republish_that_dies_is_ended_by_others(installation: Installation, points: tuple[str, ...]) -> None:
    """One installation goes from one version to the other and back; each time it dies one point further."""
    wanted = {number: figures(installation, number) for number in (1, 2)}
    for point, version in zip(points, cycle(wanted), strict=False):
        before = figures(installation)
        assert before != wanted[version]
        assert one_command(ask(version), point).fired, point
        others_go_on(installation)
        if point == "republish-ask.before:kill":
            assert figures(installation) == before, "nobody was asked"
            command(*ask(version))
        assert figures(installation) == wanted[version], point
        assert installation.platform.control.rows(PINNED) == [{"partition_key": MONTH}], point
        last = max(installation.version_numbers(REPORT))
        assert f"report-{last:06d} is already" in command(*ask(version)), point


@pytest.mark.sampled("pin-release")
def test_a_release_that_dies_is_given_again(installation: Installation) -> None:
    restated = figures(installation)
    for end in ENDS:
        command(*ask(1))
        assert one_command(RELEASE, f"pin-release.{end}").fired
        if end.startswith("before"):
            assert installation.platform.control.rows(PINNED) == [{"partition_key": MONTH}]
            command(*RELEASE)
        installation.work()
        assert figures(installation) == restated, end
        assert installation.platform.control.rows(PINNED) == [], end
