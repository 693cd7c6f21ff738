"""The commands on a real broker: what arrives, and that totals come last."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Message

from casegold.cli.load import commands
from casegold.domain.errors import ConfigurationError, SourceUnavailable
from casegold.domain.events import DEFAULT_SOURCE, EVENT_TYPES, CaseEvent
from casegold.runtime.settings import Settings
from casegold.runtime.shipped import DATASET_CONTRACTS, PRODUCTS
from casegold.servers.demo import log_act
from casegold.source.codec import KafkaRecord, decode
from casegold.source.jsonl import read_events
from casegold.source.producer import RecordSender
from tests.source.test_import_log import HEADER, MAPPING, ROWS

SIMULATE = ["simulate", "--cases", "60", "--days", "20", "--seed", "3", "--until", "2026-03-31"]


@pytest.fixture
def overrides() -> dict[str, str]:
    return {"time_zone": "Europe/Amsterdam"}


def run(*arguments: str) -> str:
    result = CliRunner().invoke(click.Group(commands=list(commands)), arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def received(settings: Settings, topic: str) -> list[Message]:
    config = {
        **settings.kafka_config(),
        "group.id": topic,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
    }
    consumer = Consumer(config)
    consumer.subscribe([topic])
    messages: list[Message] = []
    ended: set[int | None] = set()
    while len(ended) < settings.topics()[topic]:
        message = consumer.poll(20)
        assert message is not None
        if message.error() is None:
            messages.append(message)
        else:
            ended.add(message.partition())
    consumer.close()
    return messages


def decoded(settings: Settings) -> list[CaseEvent]:
    events = []
    for message in received(settings, settings.events_topic):
        pairs = dict(message.headers() or ()).items()
        headers = tuple((name, value) for name, value in pairs if isinstance(value, bytes))
        record = KafkaRecord("t", 0, 0, datetime.now(UTC), message.key(), message.value(), headers)
        event = decode(record, default_source=DEFAULT_SOURCE)
        assert isinstance(event, CaseEvent), event
        events.append(event)
    return events


def test_simulated_events_arrive_in_every_encoding_and_totals_agree(settings: Settings, tmp_path: Path) -> None:
    output = run(*SIMULATE)
    file = tmp_path / "events.jsonl"
    run(*SIMULATE, "--to", str(file))
    events = {event.id: event for event in decoded(settings)}
    assert events == {event.id: event for event in read_events(file)}
    totals = [json.loads(message.value() or b"") for message in received(settings, settings.totals_topic)]
    assert len(totals) == 20 * len(EVENT_TYPES)
    assert sum(total["count"] for total in totals) == len(events)
    assert {total["asOf"] for total in totals} == {"2026-03-31T22:00:00.000000Z"}
    assert f"{len(events)} events count" in output


def test_a_log_is_sent_whole_or_not_at_all(settings: Settings, tmp_path: Path) -> None:
    log, mapping = tmp_path / "log.csv", tmp_path / "mapping.yaml"
    log.write_text(HEADER + ROWS)
    mapping.write_text(MAPPING)
    arguments = ["import-log", str(log), "--mapping", str(mapping)]
    assert "nothing was sent" in run(*arguments, "--dry-run")
    assert received(settings, settings.events_topic) == []
    output = run(*arguments)
    assert "can become official" in output
    assert "casegold clock fix 2026-03-30T22:00:00+00:00" in output
    assert len(decoded(settings)) == 6
    assert len(received(settings, settings.totals_topic)) == 3 * len(EVENT_TYPES)


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(click.Group(commands=list(commands)), arguments)
    assert isinstance(result.exception, ConfigurationError), result.output
    return str(result.exception)


GOLD = PRODUCTS / "case_daily_snapshot" / "contract.yaml"


def nothing_sent(settings: Settings) -> bool:
    return not received(settings, settings.events_topic) and not received(settings, settings.totals_topic)


@pytest.mark.parametrize("option", [[], ["--dry-run"], ["--to", "events.jsonl"]])
def test_a_log_of_an_undeclared_source_is_refused(settings: Settings, tmp_path: Path, option: list[str]) -> None:
    log, mapping = tmp_path / "log.csv", tmp_path / "mapping.yaml"
    log.write_text(HEADER + ROWS)
    mapping.write_text(MAPPING + "source: urn:other\n")
    said = refused("import-log", str(log), "--mapping", str(mapping), *option)
    assert f"{mapping}: source: the source 'urn:other' is not declared in {GOLD}" in said
    assert f"\n  -> use a declared source ({DEFAULT_SOURCE}), or add this one to `sources` there" in said
    assert nothing_sent(settings)


def test_a_file_with_one_event_of_an_undeclared_source_is_refused_whole(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    run(*SIMULATE, "--to", str(file))
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines, lines[0].replace(DEFAULT_SOURCE, "urn:other")]))
    said = refused("send", str(file))
    assert f"{file}, line {len(lines) + 1}: the source 'urn:other' is not declared in {GOLD}" in said
    assert nothing_sent(settings)
    file.write_text("".join(lines))
    assert f"{len(lines)} events to" in run("send", str(file))
    assert len(received(settings, settings.events_topic)) == len(lines)


def test_events_from_a_pipe_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "events.jsonl"
    os.mkfifo(pipe)
    assert "is not a regular file" in refused("send", str(pipe))


def test_simulated_cases_need_their_source_declared(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DATASET_CONTRACTS, tmp_path / "contracts")
    (tmp_path / "contracts" / "gold.yaml").write_text(GOLD.read_text().replace(DEFAULT_SOURCE, "urn:other"))
    monkeypatch.setenv("CASEGOLD_CONTRACTS_DIR", str(tmp_path / "contracts"))
    said = refused(*SIMULATE)
    assert f"the simulated case system: the source '{DEFAULT_SOURCE}' is not declared in {tmp_path}" in said
    assert "(urn:other)" in said
    assert nothing_sent(settings)


def test_a_demonstration_of_a_log_of_an_undeclared_source_starts_nothing(tmp_path: Path) -> None:
    log, mapping = tmp_path / "log.csv", tmp_path / "mapping.yaml"
    log.write_text(HEADER + ROWS)
    mapping.write_text(MAPPING + "source: urn:other\n")
    with pytest.raises(ConfigurationError, match=r"source: the source 'urn:other' is not declared in"):
        log_act(log, mapping)


def test_a_failed_delivery_names_topic_and_count(settings: Settings) -> None:
    with (
        pytest.raises(SourceUnavailable, match="1 records failed, the first on topic no such topic"),
        RecordSender(settings.kafka_config()) as sender,
    ):
        sender.send("no such topic", b"k", b"v")
