"""`casegold verify` as people use it: lines, choices, exit codes, and what stays red."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from casegold.control.integrity import standing_checks
from casegold.domain.errors import ConfigurationError, ExitClass
from casegold.jobs import verification
from casegold.runtime.settings import Settings
from casegold.transform import version
from tests.e2e.installation import METRICS, REPORT, SNAPSHOT, Installation, command
from tests.history.story import FIRST, LAST, OVERRIDES, SINCE, tell
from tests.verification.test_verify import other_content, paths_of, with_another_value


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@pytest.fixture
def installation(settings: Settings) -> Installation:
    return tell(settings)


def red(
    installation: Installation, question: standing_checks.Question = standing_checks.IRREPRODUCIBLE
) -> list[object]:
    answer = standing_checks.ask(installation.platform.control, question)
    assert answer.count == len(answer.sample)
    return [row["partition"] for row in answer.sample]


@pytest.mark.usefixtures("installation")
def test_a_line_for_each_partition_and_the_choice_of_them() -> None:
    assert command("verify", SNAPSHOT, "--partition", SINCE) == f"{SINCE}  version 2 verified\n"
    assert command("verify", REPORT, "--partition", "2024-02") == "2024-02-01  version 2 verified\n"
    said = command("verify", SNAPSHOT, "--range", FIRST, SINCE).splitlines()
    assert said[0] == f"{FIRST}  version 1 verified" and said[-1] == f"{SINCE}  version 2 verified"
    assert len(command("verify", SNAPSHOT).splitlines()) == 10
    lines = json.loads(command("verify", SNAPSHOT, "--sample", 3, "--format", "json"))
    assert [(line["outcome"], line["recorded"] == line["computed"]) for line in lines] == [("VERIFIED", True)] * 3
    assert "no official version yet" in command("verify", METRICS)
    with pytest.raises(ConfigurationError, match=f"{LAST + timedelta(days=1)} has no official version"):
        command("verify", SNAPSHOT, "--partition", LAST + timedelta(days=1))
    with pytest.raises(ConfigurationError, match="not computed"):
        command("verify", "silver/case_events")


def test_samples_rotate(installation: Installation) -> None:
    platform = installation.platform
    seen: list[object] = []
    for _ in range(5):
        wanted = verification.sample(platform, SNAPSHOT, 2)
        seen += wanted
        list(verification.verify(platform, SNAPSHOT, wanted, "a test"))
    assert sorted(map(str, seen)) == [str(FIRST + timedelta(days=day)) for day in range(10)]
    assert verification.sample(platform, SNAPSHOT, 2) == seen[:2]


def test_a_difference_exits_with_50_and_stays_red_until_it_is_verified(installation: Installation) -> None:
    (path,) = paths_of(installation, SNAPSHOT, SINCE)
    with other_content(path, with_another_value(path, 0, 3)):
        said = command("verify", SNAPSHOT, "--range", SINCE, LAST, expect=ExitClass.BUG)
        assert f"{SINCE}  version 2 is DIFFERENT: file " in said
        assert said.count("verified") == 2
    assert red(installation) == [SINCE]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(version, "versions", lambda _: {"snapshot": "snapshot-99+0123456789ab"})
        said = command("verify", SNAPSHOT, "--partition", SINCE, expect=ExitClass.CONFIGURATION)
        assert "version 2 is unverifiable: it was made by snapshot-" in said
        assert red(installation) == red(installation, standing_checks.UNVERIFIABLE) == [SINCE], (
            "no answer is no good answer"
        )
    command("verify", SNAPSHOT, "--partition", SINCE)
    assert red(installation) == red(installation, standing_checks.UNVERIFIABLE) == []


def test_a_difference_is_no_more_once_another_version_is_official(installation: Installation) -> None:
    (path,) = paths_of(installation, SNAPSHOT, SINCE)
    with other_content(path, None):
        command("verify", SNAPSHOT, "--partition", SINCE, expect=ExitClass.BUG)
        assert red(installation) == [SINCE]
        command("republish", SNAPSHOT, 1, "--partition", SINCE, "--reason", "the file of version 2 is lost")
        assert red(installation) == []
        assert command("verify", SNAPSHOT, "--partition", SINCE) == f"{SINCE}  version 3 verified\n", "as version 1 was"
        command("release", SNAPSHOT, "--partition", SINCE, "--reason", "compute it anew")
        installation.work()
        assert command("verify", SNAPSHOT, "--partition", SINCE) == f"{SINCE}  version 4 verified\n", "in new files"
