"""What stories are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from casegold.control.db import ControlDb
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from tests.conftest import own_database, own_topics
from tests.crash.final_state import final_state
from tests.crash.restarts import end_all, restart_until_done
from tests.crash.test_fail_points import OVERRIDES, load


@pytest.fixture(autouse=True)
def no_sleepers_left() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture(scope="session")
def loaded_once(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The final state of an installation of its own to which everything was sent once, and in which nothing failed."""
    home = tmp_path_factory.mktemp("loaded-once")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        own_database(servers, home, monkeypatch, OVERRIDES) as database,
        own_topics(database) as settings,
    ):
        load()
        restart_until_done(ControlDb(settings.control_url()), [])
        return final_state(open_platform(settings))
