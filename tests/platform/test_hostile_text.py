"""Texts of other people on the pages of the UI: they show as they are and do nothing.

Every piece of metadata of real runs over hostile data is rendered as Dagster renders it: GitHub's Markdown, with links
that are made of bare addresses. tests/platform/test_browser.py looks at the same pages in a browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from casegold.control.integrity.verifications import Found
from casegold.control.versions.causes import ChangedInput, RecordedCauses
from casegold.domain.events import DEFAULT_SOURCE, CaseAssigned, CaseEvent, CaseOpened, EventType, Payload, Priority
from casegold.domain.markup import MOST, cell, markdown
from casegold.domain.payload import payload_json
from casegold.domain.plain_text import one_line, visible
from casegold.operations.causes import Causes, CausingFact
from casegold.source.codec import Encoding
from casegold.source.loading import send_event
from casegold.source.producer import RecordSender
from platform_assets import differences, metadata, pictures, verification
from platform_assets.metadata import Metadata
from tests.hostile import HOSTILE
from tests.platform.conftest import LAST, House, send

SENSORS = ("domain_events", "domain_totals", "day_close", "planner")
TABLE = frozenset({"table", "thead", "tbody", "tr", "th", "td", "code"})
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Rendered(HTMLParser):
    """What a browser would make of Markdown: texts, and what is asked from anywhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.shown = ""
        # Raw HTML is let through: Dagster's renderer takes some, and nothing may rely on what it leaves out.
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.shown += data


def assert_harmless(told: Metadata) -> None:
    for name, value in told.items():
        if isinstance(value, dg.MarkdownMetadataValue):
            page = Rendered(value.md_str or "")
            assert set(page.tags) <= {"p", "table", "thead", "tbody", "tr", "th", "td", "code", "a", "img"}, (
                name,
                value,
            )
            for address in page.addresses:
                assert address.startswith(("/assets/", "data:image/svg+xml;base64,")), (name, address)
            assert not STEERING.search(page.shown), (name, page.shown)
        elif isinstance(value, dg.UrlMetadataValue):
            assert (value.url or "").startswith(("http://", "https://"))
        elif isinstance(value, dg.TextMetadataValue):
            assert not STEERING.search(value.text or ""), (name, value)
        elif isinstance(value, dg.TableMetadataValue):
            assert not STEERING.search(" ".join(str(cell) for row in value.records for cell in row.data.values()))


def opened(number: int, hostile: str, day: date) -> Iterator[CaseEvent]:
    """A case of which everything that is free text is hostile."""
    case = f"{number} {hostile}"[:256]
    said: list[Payload] = [
        CaseOpened(case_type=hostile, jurisdiction=hostile, priority=Priority.LOW),
        CaseAssigned(assignee=hostile, team=hostile),
    ]
    for data in said:
        yield CaseEvent(
            source=DEFAULT_SOURCE,
            id=f"{type(data).__name__} {case}"[:256],
            type=EventType(type(data).__name__),
            case_id=case,
            occurred_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            emitted_at=datetime.now(UTC),
            data=data,
            data_json=payload_json(data),
        )


def send_hostile(house: House) -> int:
    """Facts that are late by days, and records that are refused, with hostile keys; the number of facts."""
    settings = house.platform.settings
    events = [event for number, text in enumerate(HOSTILE) for event in opened(number, text, LAST.replace(day=2))]
    with RecordSender(settings.kafka_config()) as sender:
        for event in events:
            send_event(sender, settings.events_topic, event, Encoding.STRUCTURED, DEFAULT_SOURCE)
        for text in HOSTILE:
            sender.send(settings.events_topic, text.encode("utf-8", "replace"), text.encode("utf-8", "replace"))
    return len(events)


def told(house: House) -> Iterator[Metadata]:
    """The metadata of every event of every run."""
    for run in house.instance.get_runs():
        for entry in house.instance.all_logs(run.run_id):
            event = entry.dagster_event
            if event is None:
                continue
            if event.is_step_materialization:
                yield dict(event.step_materialization_data.materialization.metadata)
            elif event.is_asset_observation:
                yield dict(event.asset_observation_data.asset_observation.metadata)
            elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                yield dict(event.asset_check_evaluation_data.metadata)
            elif event.event_type is dg.DagsterEventType.STEP_OUTPUT:
                yield dict(event.step_output_data.metadata)


def test_pages_of_real_runs_over_hostile_data_do_nothing(house: House) -> None:
    send()
    house.until_quiet(*SENSORS)
    sent = send_hostile(house)
    results = house.until_quiet(*SENSORS)
    house.launch("verify_figures")
    every = list(told(house))
    assert len(every) > 20
    for each in every:
        assert_harmless(each)
    texts = " ".join(
        Rendered(value.md_str or "").shown
        for each in every
        for value in each.values()
        if isinstance(value, dg.MarkdownMetadataValue)
    )
    assert f"{sent:,} facts that the earlier versions did not know" in texts
    assert "<img src=x onerror=" in texts, "hostile texts are on the pages, as texts"
    rejected = house.platform.control.rows("select sum(rejected) as n from ingest_commit")[0]["n"]
    assert rejected == len(HOSTILE)
    assert results


@pytest.mark.parametrize("hostile", HOSTILE)
def test_every_producer_of_markdown_escapes(hostile: str) -> None:
    recorded = RecordedCauses((hostile, hostile), 1, 1, None, 1, (), (ChangedInput(hostile, LAST, LAST, 1, 1, 2),))
    fact = CausingFact(hostile, hostile, hostile, hostile, datetime.now(UTC), LAST, datetime.now(UTC), 1, True)
    why = differences.causes(Causes(recorded, 1, (fact,)))
    found = pictures.table(verification.COLUMNS, [("gold/x", LAST, 1, Found.UNVERIFIABLE, hostile)])
    figures = metadata.figures({"cases": 1, hostile: hostile})
    problem = markdown(f"could not be computed: {hostile}")
    for text in (why, found, figures, problem):
        assert_harmless({"page": dg.MetadataValue.md(text)})
    assert Rendered(found).tags.count("td") == len(verification.COLUMNS)
    assert_harmless(metadata.of_sample([{"case_id": hostile}]) | {"text": metadata.text(hostile)})


@given(st.text() | st.text(alphabet="|\\\\`@*_[]()<>!x:/ww."))
def test_any_text_as_markdown_shows_itself(text: str) -> None:
    table = Rendered(f"| a | b |\n|---|---|\n| {cell(text)} | x |")
    assert set(table.tags) <= TABLE
    assert table.tags.count("td") == 2
    line = Rendered(f"Because of: {markdown(text)}")
    assert set(line.tags) <= {"p", "code"}
    for page in (table, line):
        if len(one_line(text)) <= MOST:
            assert "".join(one_line(text).split()) in "".join(page.shown.split())


@given(st.text())
def test_any_text_on_a_terminal_steers_nothing(text: str) -> None:
    assert not STEERING.search(one_line(text))
    assert "\n" not in one_line(text)
    assert visible(text).count("\n") == text.count("\n")
