"""What docs/producers.md says of rejected events: their date stays closed until they come back or are counted out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from casegold.domain.errors import ExitClass
from casegold.domain.events import EVENT_TYPES, CaseEvent, CaseOpened, Priority
from casegold.runtime.settings import Settings, load_settings
from casegold.runtime.shipped import PRODUCTS
from casegold.source.producer import RecordSender
from casegold.source.totals import ControlTotal
from tests.crash.final_state import messages
from tests.e2e.installation import SNAPSHOT, Installation, command
from tests.ingest.events import event, retyped, send_events
from tests.ingest.register import SOURCE, send_totals

DAY = date(2024, 3, 1)
CONTRACT = "gold_case_daily_snapshot.yaml"
DECLARED = '      - { source: "urn:regulator:case-system", signal: controlTotals, required: true }\n'
NEW = '      - { source: "urn:new:case-system", signal: controlTotals, required: false }\n'


@pytest.fixture
def overrides() -> Mapping[str, str]:
    return {"first_date": DAY.isoformat(), "business_clock": "2024-03-02T00:00:00Z"}


def _opened(event_id: str) -> CaseEvent:
    return event(event_id, DAY, case=event_id, data=CaseOpened("PERMIT", "NL", Priority.LOW))


def _totals(opened: int, revision: int = 1) -> list[ControlTotal]:
    now = datetime.now(UTC)
    counts = dict.fromkeys(EVENT_TYPES, 0) | {"CaseOpened": opened}
    return [ControlTotal(SOURCE, DAY, kind, count, now, revision) for kind, count in counts.items()]


def _cases(installation: Installation) -> set[str]:
    return {row["case_id"] for row in installation.rows(SNAPSHOT, DAY, DAY)}


@pytest.mark.parametrize("how", ["corrected", "counted out"])
def test_a_rejected_event_closes_its_date_until_it_is_answered(settings: Settings, how: str) -> None:
    installation = Installation(settings)
    wrong = retyped(_opened("e2"), data={"caseType": "PERMIT", "jurisdiction": "NL", "priority": "low"})
    send_events(installation.platform, [_opened("e1"), wrong])
    send_totals(installation.platform, _totals(2))
    installation.work()
    assert installation.published(SNAPSHOT) == [], "the figures would lack an event that was counted"
    if how == "corrected":
        send_events(installation.platform, [_opened("e2")])
    else:
        send_totals(installation.platform, _totals(1, revision=2))
    installation.work()
    assert installation.published(SNAPSHOT) == [DAY]
    assert _cases(installation) == ({"e1", "e2"} if how == "corrected" else {"e1"})


def test_a_dead_letter_of_a_source_that_is_declared_later_is_a_fact_when_sent_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    early = retyped(_opened("e2"), source="urn:new:case-system")
    installation = Installation(settings)
    send_events(installation.platform, [_opened("e1"), early])
    send_totals(installation.platform, _totals(1))
    installation.work()
    assert _cases(installation) == {"e1"}, "nobody answers for the other source: it never counts"
    letters = ("check-events", "--topic", settings.events_dlq_topic)
    assert "UNKNOWN_SOURCE: 1" in command(*letters, expect=ExitClass.CONFIGURATION)

    contracts = Path(shutil.copytree(settings.contracts_dir, tmp_path / "contracts"))
    shutil.copy(PRODUCTS / "case_daily_snapshot" / "contract.yaml", contracts / CONTRACT)
    text = (contracts / CONTRACT).read_text(encoding="utf-8")
    assert DECLARED in text
    (contracts / CONTRACT).write_text(text.replace(DECLARED, DECLARED + NEW), encoding="utf-8")
    monkeypatch.setenv("CASEGOLD_CONTRACTS_DIR", str(contracts))
    assert "1 accepted" in command(*letters)
    installation = Installation(load_settings())
    (letter,) = messages(installation.platform, settings.events_dlq_topic)
    with RecordSender(settings.kafka_config()) as sender:
        sender.send(settings.events_topic, letter.key(), letter.value(), tuple(letter.headers() or ()))
    installation.work()
    assert _cases(installation) == {"e1", "e2"}
