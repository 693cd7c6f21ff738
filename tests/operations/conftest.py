"""A working installation for every test of operators' work."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from casegold.runtime.settings import Settings
from tests.e2e.installation import Installation
from tests.operations.house import OVERRIDES, announce, load


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return OVERRIDES


@pytest.fixture
def house(settings: Settings) -> Installation:
    """Four official dates, announced and heard."""
    load()
    installation = Installation(settings)
    installation.work()
    announce(installation)
    return installation
