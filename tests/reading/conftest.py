"""A lake with published versions, and logins that may only read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
import yaml
from psycopg import sql
from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy import make_url

from casegold.control.changes import people
from casegold.control.db import ControlDb
from casegold.control.runs import attempts
from casegold.domain.errors import ExitClass
from casegold.runtime import catalog_access
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink.lake import CATALOG_NAME
from casegold.sink.publish import publish
from tests.sink.test_publish import _claim, _staged

READER = "casegold_reader"
PASSWORD = "correct horse battery"

Published = Callable[..., int]


@pytest.fixture
def platform(database: Settings) -> Platform:
    return open_platform(database)


@pytest.fixture
def published(platform: Platform) -> Published:
    """Publish one date with these cases; the version's number."""
    numbers = iter(range(1, 1_000))

    def version(*cases: str) -> int:
        claim = _claim(platform, next(numbers))
        made = publish(platform.control, platform.lake, claim, _staged(platform, claim, *cases))
        attempts.finish(platform.control, claim, ExitClass.SUCCESS, "", {})
        return made.version

    return version


@pytest.fixture
def rita(owner: ControlDb) -> Iterator[str]:
    """Rita's login, which reads."""
    login = f"rita_{uuid4().hex[:8]}"
    people.add(owner, login, READER, "rita", PASSWORD)
    yield login
    with owner.write("by a test") as connection:
        connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))


def catalog_of(settings: Settings, login: str) -> SqlCatalog:
    """The catalog as a person outside opens it: by what `casegold user catalog` prints, and the password."""
    printed = yaml.safe_load(catalog_access.pyiceberg(settings, login))["catalog"][CATALOG_NAME]
    url = make_url(printed.pop("uri")).set(password=PASSWORD).render_as_string(hide_password=False)
    catalog = load_catalog(CATALOG_NAME, uri=url, **printed)
    assert isinstance(catalog, SqlCatalog)
    return catalog
