#!/bin/sh
# A small case system with kcat: events in the plain encoding, one with headers, then control totals of the date.
#
# Environment: KAFKA (brokers), EVENTS_TOPIC, TOTALS_TOPIC, DAY (a date that is over; default yesterday), REVISION (of the
# totals; send a higher one whenever you count again). Sent twice, the events count once: an event keeps its id.
set -eu

KAFKA=${KAFKA:-localhost:9092}
EVENTS_TOPIC=${EVENTS_TOPIC:-regulatory.case.events.v2}
TOTALS_TOPIC=${TOTALS_TOPIC:-regulatory.case.event-counts.v1}
DAY=${DAY:-$(date -u -d yesterday +%F)}
REVISION=${REVISION:-1}
SOURCE=urn:regulator:case-system # of plain events: what CASEGOLD_PLAIN_SOURCE names on the platform

send() { # reads lines of `key|value`; ends with an error unless Kafka took all of them
    kcat -P -b "$KAFKA" -t "$1" -K '|' -X acks=all -X enable.idempotence=true
}

# The key is the case: one case, one partition, one order.
send "$EVENTS_TOPIC" <<EVENTS
kcat-case-1|{"eventId": "kcat-1", "eventType": "CaseOpened", "caseId": "kcat-case-1", "occurredAt": "${DAY}T09:00:00Z", "sequence": 1, "schemaVersion": "1.0", "data": {"caseType": "PERMIT", "jurisdiction": "NL", "priority": "HIGH"}}
kcat-case-1|{"eventId": "kcat-2", "eventType": "CaseAssigned", "caseId": "kcat-case-1", "occurredAt": "${DAY}T09:30:00Z", "sequence": 2, "schemaVersion": "1.0", "data": {"assignee": "ann", "team": "permits"}}
EVENTS

# The same in the binary encoding of CloudEvents: the attributes are headers, the value is the event's data.
printf '%s' '{"reason": "withdrawn"}' | kcat -P -b "$KAFKA" -t "$EVENTS_TOPIC" -k kcat-case-1 \
    -X acks=all -X enable.idempotence=true \
    -H ce_specversion=1.0 -H ce_id=kcat-3 -H ce_type=CaseClosed -H "ce_source=$SOURCE" -H ce_subject=kcat-case-1 \
    -H "ce_time=${DAY}T16:00:00Z" -H ce_sequence=3 -H ce_dataschema=urn:casegold:event:CaseClosed:1.0

# A number for every type, zeros included, once everything is sent.
as_of=$(date -u +%FT%T.%NZ)
total() {
    printf '%s|{"source": "%s", "businessDate": "%s", "eventType": "%s", "count": %s, "asOf": "%s", "revision": %s}\n' \
        "$SOURCE" "$SOURCE" "$DAY" "$1" "$2" "$as_of" "$REVISION"
}
{
    total CaseOpened 1
    total EvidenceReceived 0
    total CaseAssigned 1
    total CaseEscalated 0
    total BreachClockStarted 0
    total BreachClockPaused 0
    total DecisionIssued 0
    total CaseClosed 1
    total CaseCorrected 0
} | send "$TOTALS_TOPIC"
echo "3 events and 9 control totals of $DAY sent"
