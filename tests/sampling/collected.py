"""`python -m tests.sampling.collected`: what a run of everything would run, as JSON."""

from __future__ import annotations

import json
import sys

import pytest

from tests.sampling.plugin import case_of


class Collected:
    """A plugin that remembers what is left once every other has had its say."""

    def __init__(self) -> None:
        self.tests: list[dict[str, object]] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            points = list(case_of(item).points) if item.get_closest_marker("sampled") else None
            long = item.get_closest_marker("long")
            paths = list(long.args) if long else None
            self.tests.append({"name": item.nodeid, "points": points, "long": paths})


def main() -> int:
    found = Collected()
    status = pytest.main(["--collect-only", "--quiet", "--no-summary", *sys.argv[1:]], plugins=[found])
    print(json.dumps(found.tests))
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
