"""A small case system in Python: an outbox, a relay that sends it to Kafka, and control totals once the date is over.

    pip install confluent-kafka
    python case_system.py

Environment: KAFKA (brokers), EVENTS_TOPIC, TOTALS_TOPIC, DAY (a date that is over; default yesterday), REVISION (of the
totals; send a higher one whenever you count again). Sent twice, the events count once: an event keeps its id.
"""

import json
import os
import sqlite3
from datetime import UTC, date, datetime, timedelta

from confluent_kafka import Producer

KAFKA = os.environ.get("KAFKA", "localhost:9092")
EVENTS_TOPIC = os.environ.get("EVENTS_TOPIC", "regulatory.case.events.v2")
TOTALS_TOPIC = os.environ.get("TOTALS_TOPIC", "regulatory.case.event-counts.v1")
DAY = date.fromisoformat(os.environ.get("DAY", str(datetime.now(UTC).date() - timedelta(days=1))))
REVISION = int(os.environ.get("REVISION", "1"))

SOURCE = "urn:regulator:case-system"  # must be declared under `sources` of the contract
TYPES = (
    "CaseOpened",
    "EvidenceReceived",
    "CaseAssigned",
    "CaseEscalated",
    "BreachClockStarted",
    "BreachClockPaused",
    "DecisionIssued",
    "CaseClosed",
    "CaseCorrected",
)
OUTBOX = """
    create table outbox (
        position integer primary key autoincrement,
        id text unique not null, type text not null, case_id text not null, business_date text not null,
        occurred_at text not null, emitted_at text not null, data text not null, sent integer not null default 0)
"""


def now():
    return datetime.now(UTC).isoformat(timespec="microseconds")


def record(database, event_id, kind, case_id, hour, data):
    """Call this in the transaction that changes the case: both are stored, or neither."""
    occurred_at = f"{DAY}T{hour:02}:00:00Z"
    row = (event_id, kind, case_id, str(DAY), occurred_at, now(), json.dumps(data))
    database.execute(
        "insert into outbox (id, type, case_id, business_date, occurred_at, emitted_at, data)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def work(database):
    """A day in the life of two cases."""
    with database:
        opening = {"caseType": "PERMIT", "jurisdiction": "NL", "priority": "HIGH"}
        record(database, "py-1", "CaseOpened", "py-case-1", 9, opening)
        record(
            database, "py-2", "BreachClockStarted", "py-case-1", 9, {"deadlineAt": f"{DAY + timedelta(7)}T17:00:00Z"}
        )
        record(database, "py-3", "CaseOpened", "py-case-2", 10, opening | {"priority": "LOW"})
        record(database, "py-4", "CaseEscalated", "py-case-2", 11, {"level": 1, "reason": "no answer"})
        fine = {"decision": "FINE", "penaltyAmount": "1250.00", "currency": "EUR"}
        record(database, "py-5", "DecisionIssued", "py-case-1", 15, fine)
        # The escalation was entered by mistake. History is not deleted: a correction takes it back.
        mistake = {"correctedEventId": "py-4", "action": "RETRACT", "reason": "wrong case"}
        record(database, "py-6", "CaseCorrected", "py-case-2", 16, mistake)


def relay(database, producer):
    """Send what is not sent yet, in its order, and mark it once Kafka has it. A crash in between sends it again."""
    rows = database.execute(
        "select position, id, type, case_id, occurred_at, emitted_at, data from outbox where sent = 0 order by position"
    ).fetchall()
    failed = []
    for position, event_id, kind, case_id, occurred_at, emitted_at, data in rows:
        event = {
            "specversion": "1.0",
            "id": event_id,
            "type": kind,
            "source": SOURCE,
            "subject": case_id,
            "time": occurred_at,
            "emittedat": emitted_at,
            "sequence": position,  # orders events of the same instant
            "dataschema": f"urn:casegold:event:{kind}:1.0",
            "data": json.loads(data),
        }
        producer.produce(
            EVENTS_TOPIC,
            key=case_id,  # one case, one partition, one order
            value=json.dumps(event),
            headers={"content-type": "application/cloudevents+json"},
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
    if producer.flush(60) or failed:
        raise SystemExit(f"not sent, run it again: {failed or 'no answer in time'}")
    with database:
        database.executemany("update outbox set sent = 1 where position = ?", [(row[0],) for row in rows])
    return len(rows)


def totals(database, producer):
    """How many events of each type the date has: after all are sent, a number for every type, zeros included."""
    as_of = now()
    counts = dict(
        database.execute(
            "select type, count(*) from outbox where business_date = ? and emitted_at <= ? group by type",
            (str(DAY), as_of),
        ).fetchall()
    )
    failed = []
    for kind in TYPES:
        total = {
            "source": SOURCE,
            "businessDate": str(DAY),
            "eventType": kind,
            "count": counts.get(kind, 0),
            "asOf": as_of,
            "revision": REVISION,
        }
        producer.produce(
            TOTALS_TOPIC,
            key=SOURCE,
            value=json.dumps(total),
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
    if producer.flush(60) or failed:
        raise SystemExit(f"not sent, run it again: {failed or 'no answer in time'}")


def main():
    database = sqlite3.connect(":memory:")  # a case system's own database, which stays
    database.execute(OUTBOX)
    producer = Producer({"bootstrap.servers": KAFKA, "enable.idempotence": True, "acks": "all"})
    work(database)
    sent = relay(database, producer)
    totals(database, producer)
    print(f"{sent} events and {len(TYPES)} control totals of {DAY} sent")


if __name__ == "__main__":
    main()
