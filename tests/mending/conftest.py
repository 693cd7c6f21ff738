"""The installation that is damaged and mended. `test_repair` has one of its own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from casegold.runtime.settings import Settings
from tests.e2e.installation import Installation
from tests.mending.house import OVERRIDES, build


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@pytest.fixture
def house(settings: Settings) -> Installation:
    return build(settings)
