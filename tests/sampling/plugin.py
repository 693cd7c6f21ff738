"""`pytest --sample SEED` leaves out most of the tests that take long. Without the option every test runs.

Of the tests marked `sampled` a sample runs, as choose.py says. Those marked `long(path, ...)` run where a file changed
whose path begins so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from tests.sampling.changes import changes, seed_of_commit
from tests.sampling.choose import ENDS, Case, choose

SEED_WITHOUT_GIT = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """What is to be sampled."""

    seed: int
    base: str
    effects: list[str]
    """Those that changed since the base."""
    files: list[str]


SAMPLE = pytest.StashKey[Sample]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sample")
    group.addoption("--sample", metavar="SEED", help="run a sample of the crash matrix; `commit`: the commit's seed")
    group.addoption("--sample-base", metavar="COMMIT", default="", help="effects changed since then run fully")


def pytest_configure(config: pytest.Config) -> None:
    """Decide once, in the process that starts the others."""
    config.addinivalue_line("markers", "long(*paths): `make test` runs it only where files below these paths changed")
    config.addinivalue_line("markers", "sampled(effect): `make test` runs a sample of these cases; effect: what fails")
    decided = getattr(config, "workerinput", {}).get("sample")
    if decided is not None:
        config.stash[SAMPLE] = Sample(**decided)
    elif config.option.sample is not None:
        try:
            config.stash[SAMPLE] = _decide(config.option.sample, config.option.sample_base)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error


def _decide(seed: str, base: str) -> Sample:
    changed = changes(base)
    number = (seed_of_commit() or SEED_WITHOUT_GIT) if seed == "commit" else int(seed)
    return Sample(number, changed.base, sorted(changed.effects), sorted(changed.files))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell another process of pytest-xdist."""
    sample = node.config.stash.get(SAMPLE, None)
    node.workerinput["sample"] = asdict(sample) if sample else None


def pytest_report_header(config: pytest.Config) -> list[str]:
    sample = config.stash.get(SAMPLE, None)
    if sample is None:
        return ["sample: none, every test runs"]
    changed = ", ".join(sample.effects) or "no effect that is known"
    since = f"since {sample.base}" if sample.base else "there is no commit to compare with"
    base = f" BASE={sample.base}" if sample.base else ""
    return [
        f"sample: seed {sample.seed}; the same again: make test SEED={sample.seed}{base}",
        f"sample: every case of what changed ({since}): {changed}",
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    sample = config.stash.get(SAMPLE, None)
    if sample is None:
        return
    cases = [case_of(item) for item in items if item.get_closest_marker("sampled")]
    out = {case.name for case in cases} - choose(cases, sample.seed, sample.effects)
    out |= {item.nodeid for item in items if waits(item, sample.files)}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in out])
    items[:] = [item for item in items if item.nodeid not in out]


def waits(item: pytest.Item, changed: Sequence[str]) -> bool:
    """Whether a test is `long`, and nothing changed that would call for it."""
    marker = item.get_closest_marker("long")
    return marker is not None and not any(file.startswith(marker.args) for file in changed)


def case_of(item: pytest.Item) -> Case:
    """A test marked `sampled`. Where it fails say its parameters, or the mark and a parameter `end`."""
    marker = item.get_closest_marker("sampled")
    assert marker is not None
    given: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    effect = given.get("effect") or next(iter(marker.args), "")
    points = tuple(given.get("points", [given["point"]] if "point" in given else ()))
    if effect:
        points = tuple(f"{effect}.{end}" for end in ([given["end"]] if "end" in given else ENDS))
    return Case(item.nodeid, item.nodeid.partition("[")[0], points)
