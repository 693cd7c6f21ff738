"""What a person or an orchestrator asks of a backfill: to show its plan, and to begin it.

Not here: approvals (`control.changes.approvals`), what a plan holds (`control.changes.backfill_plan`), the commands.
"""

from __future__ import annotations

from datetime import date

from casegold.control.changes import approvals, backfill_execution, backfill_plan, shadows
from casegold.control.changes.backfill_execution import Begun
from casegold.control.changes.backfill_plan import Plan, Wanted
from casegold.domain.errors import ConfigurationError
from casegold.runtime.platform import Platform


def plan_of(platform: Platform, wanted: Wanted) -> Plan:
    """What the backfill would do as things are now. Requests nothing.

    Raises:
        ConfigurationError: the dataset is not computed, no date of the range is closed, or the promoted shadow differs
            from what would become official.
    """
    with platform.control.read() as connection:
        made = backfill_plan.make(connection, platform.contracts, platform.transforms, wanted)
        if made.promotes is None:
            return made
        contract = platform.contracts[wanted.dataset]
        reasons = shadows.why_not_promoted(connection, contract, made.promotes, made.as_json())
    if reasons:
        raise ConfigurationError("; ".join(reasons), remedy="compute a new shadow, compare it, and promote that")
    return made


def begin(platform: Platform, request_id: str, digest: str | None = None) -> Begun:
    """Begin an approved backfill. The platform takes this step, not a person.

    Args:
        request_id: its first characters are enough.
        digest: the digest of the plan to begin, or its first digits; default: the approved plan.

    Raises:
        Refused: it is not approved, or what it depends on has changed; the attempt is in the audit trail.
        ConfigurationError: there is no such request, or it has no plan.
    """
    found = approvals.find(platform.control, request_id)
    approved = found.plan_digest
    if approved is None:
        raise ConfigurationError(f"{found.backfill_run_id} has no plan", remedy="`casegold backfill plan` makes one")
    meant = approved if digest is None or approved.startswith(digest) else digest
    return backfill_execution.begin(platform.control, platform.contracts, platform.transforms, found, meant)


def rows_of(made: Plan) -> list[tuple[str, str | int]]:
    """A plan for people, as pairs of label and value."""
    estimate = made.estimate
    minutes = "unknown: no such run has ended yet" if estimate.minutes is None else f"about {estimate.minutes}"
    return [
        ("partitions", _span(made.first, made.last)),
        ("  published, computed again", made.restated),
        ("  never published", made.new),
        ("held facts that will count", made.facts.count),
        *((f"  {fact['dirty_from']}", f"{fact['event_type']} {fact['event_id']}") for fact in made.sample),
        ("known facts up to", made.pins.admitted_seq),
        ("transform", made.pins.transform),
        ("contract", made.pins.contract[0]),
        ("rows now", estimate.rows),
        ("bytes now", estimate.bytes),
        ("minutes", minutes),
        *_promoted(made),
        *((f"then {each.dataset}", f"{each.partitions}: {_span(each.first, each.last)}") for each in made.downstream),
        ("consumers to notify", ", ".join(made.consumers) or "none is registered"),
        ("notifications to people outside", made.notifications),
    ]


def _promoted(made: Plan) -> list[tuple[str, str | int]]:
    if made.promotes is None:
        return []
    promoted = made.promotes
    return [
        ("promotes the shadow", promoted.backfill_run_id),
        ("  exactly its figures of", f"{promoted.partitions} partitions: {_span(promoted.first, promoted.last)}"),
    ]


def _span(first: date, last: date) -> str:
    return f"{first}" if first == last else f"{first} .. {last}"
