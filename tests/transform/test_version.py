"""Rules do not change under an old version number."""

from __future__ import annotations

import pytest

from casegold.transform.version import PACKAGES, current, recorded, versions


@pytest.mark.parametrize("name", PACKAGES)
def test_the_rules_are_those_of_the_newest_version(name: str) -> None:
    version = current(name)
    assert recorded(name)[version.number] == version.digest, (
        f"rules of {name} changed: add version {version.number + 1} to version.json with digest {version.digest}"
    )


@pytest.mark.parametrize("name", PACKAGES)
def test_versions_are_numbered_without_gaps_and_differ(name: str) -> None:
    versions = recorded(name)
    assert list(versions) == list(range(1, len(versions) + 1))
    assert len(set(versions.values())) == len(versions)


def test_the_text_of_a_version_names_transform_number_and_rules() -> None:
    version = current("snapshot")
    assert str(version) == f"snapshot-{version.number}+{version.digest[:12]}"
    assert versions()["snapshot"] == str(version)
