"""An installation that works, and the places where another one can be made of its backup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from confluent_kafka.admin import AdminClient
from psycopg import sql

from casegold.control.db import ControlDb
from casegold.domain.calendar import BusinessCalendar
from casegold.runtime.settings import OWNER_URL, PREFIX, Settings, load_settings
from casegold.scheduling.ticks import publish_events_tick
from casegold.sink.relay import relay_once
from tests.conftest import TOPIC_FIELDS
from tests.crash.final_state import messages
from tests.e2e.installation import Installation, command

CALENDAR = BusinessCalendar("Europe/Amsterdam")
FIRST, BETWEEN, LAST = date(2024, 2, 24), date(2024, 2, 27), date(2024, 2, 29)
OVERRIDES = {
    "time_zone": CALENDAR.zone_name,
    "first_date": FIRST.isoformat(),
    "business_clock": CALENDAR.end_of(LAST).isoformat(),
}


def load() -> None:
    """Events and totals of the first four dates; what follows waits for `load_more`."""
    command("simulate", "--cases", 25, "--days", 4, "--seed", 8, "--until", BETWEEN)


def load_more() -> None:
    """Events and totals of the two dates that follow."""
    command("simulate", "--cases", 15, "--days", 2, "--seed", 9, "--until", LAST)


def announce(installation: Installation) -> None:
    """Send what is to be announced, and hear it."""
    platform = installation.platform
    while relay_once(platform.control, platform.kafka_config, platform.settings.outbox_topic_prefix):
        pass
    publish_events_tick(platform)


def announced(installation: Installation) -> list[dict[str, Any]]:
    """What consumers have heard of datasets, in order, with the id of each event."""
    platform = installation.platform
    found = []
    for message in messages(platform, f"{platform.settings.outbox_topic_prefix}dataset"):
        headers = dict(message.headers() or [])
        found.append(json.loads(message.value()) | {"id": headers["ce_id"].decode()})
    return found


def figures(installation: Installation) -> dict[str, list[dict[str, Any]]]:
    """All official rows, by dataset."""
    return {
        dataset: installation.rows(dataset, date.min, date.max)
        for dataset in ("gold/case_daily_snapshot", "reports/enforcement_report")
    }


def own_server(servers: Settings) -> tuple[str, str]:
    """Address of the test's PostgreSQL without a database, and the name of one that is there always."""
    administrator = urlsplit(servers.owner_url())._replace(path="", query="")
    return urlunsplit(administrator), "postgres"


@contextmanager
def empty_database(servers: Settings) -> Iterator[str]:
    """The address of a database with nothing in it."""
    url, always = own_server(servers)
    name = f"e{uuid4().hex[:12]}"
    with psycopg.connect(f"{url}/{always}", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    yield f"{url}/{name}"
    with psycopg.connect(f"{url}/{always}", autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def elsewhere(
    servers: Settings, monkeypatch: pytest.MonkeyPatch, *, home: Path | None = None, fresh_topics: bool = False
) -> Iterator[Settings]:
    """From here on, commands are given to an installation that is not there yet, in an empty database.

    Args:
        home: another home directory, hence another warehouse.
        fresh_topics: Kafka is another one, too.
    """
    prefix = f"f{uuid4().hex[:12]}"
    with empty_database(servers) as url, monkeypatch.context() as environment:
        owner, platform = urlsplit(url), urlsplit(servers.database_url())
        environment.setenv(OWNER_URL, url)
        environment.setenv(f"{PREFIX}POSTGRES_URL", urlunsplit(platform._replace(path=owner.path)))
        if home is not None:
            environment.setenv(f"{PREFIX}HOME", str(home))
        for field in TOPIC_FIELDS if fresh_topics else ():
            environment.setenv(f"{PREFIX}{field.upper()}", f"{prefix}.{Settings.model_fields[field].default}")
        settings = load_settings()
        yield settings
        if fresh_topics:
            delete_topics(settings)


def delete_topics(settings: Settings) -> None:
    admin = AdminClient({**settings.kafka_config()})  # the answers end with the client
    for gone in admin.delete_topics(list(settings.topics())).values():
        gone.result()


def count(control: ControlDb, statement: str) -> int:
    (row,) = control.rows(statement)
    return int(row["n"])
