"""Launches by hand, from a UI or the command line: compute the due range, verify, or refuse with the reason.

Not here: launches by sensors, which ask for attempts of manifests that the planner wrote (`scheduling.ticks`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from casegold.control import installation
from casegold.control.days.register import register_of
from casegold.control.db import Connection
from casegold.control.model import Attempt, PartitionRange
from casegold.control.planning import planner
from casegold.control.planning.decisions import Decision, Due, unsettled_from
from casegold.control.runs import attempts, manifests
from casegold.control.versions import official_state, period_inputs
from casegold.domain.calendar import last_date_over
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import ConfigurationError, Deferred
from casegold.runtime.platform import Platform


@dataclass(frozen=True, slots=True)
class Settled:
    """The requested partitions are official and nothing has to be computed: they can be verified."""

    partitions: tuple[date, ...]


def manual(platform: Platform, dataset: str, wanted: PartitionRange | None, asked_by: str) -> Attempt | Settled:
    """The attempt to execute when a person launches a dataset, or the partitions to verify.

    Args:
        wanted: the requested partitions; None means whatever is due.

    Raises:
        ConfigurationError: nothing is due, or another range is due: computing only a part of a range would publish
            figures that contradict each other.
        Deferred: a run of the dataset is open.
    """
    with platform.control.write("attempt-request") as connection:
        decisions = {d.dataset: d for d in planner.decide(connection, platform.contracts, platform.transforms)}
        decision = decisions.get(dataset)
        if decision is None:
            raise ConfigurationError(
                f"{dataset} is not computed by the planner", remedy=f"computed datasets: {', '.join(sorted(decisions))}"
            )
        contract = platform.contracts[dataset]
        if wanted is None or (isinstance(decision, Due) and decision.partitions == wanted):
            return _due(connection, contract, decision, platform.transforms, asked_by)
        keys = tuple(contract.partitions_between(wanted.first, wanted.last))
        settled = _settled(connection, contract, decision, keys)
        unsettled = next((key for key in keys if key not in settled), None)
        if unsettled is None:
            return Settled(keys)
    raise _refusal(platform, contract, decision, wanted, unsettled)


def _due(
    connection: Connection, contract: DatasetContract, decision: Decision, installed: dict[str, str], asked_by: str
) -> Attempt:
    """The attempt for the range that is due."""
    dataset = contract.dataset
    if not isinstance(decision, Due):
        raise ConfigurationError(
            f"nothing of {dataset} is due: {decision.why}",
            remedy="name partitions to verify those that are official; "
            + _change_history(dataset, None, "to compute official ones again"),
        )
    if planner.needs_approval(contract, decision):
        raise ConfigurationError(
            f"{dataset} {decision.partitions} changes {decision.restated} official partitions: {decision.why}",
            remedy=_change_history(dataset, decision.partitions, "two people have to agree"),
        )
    manifest = manifests.request(connection, planner.request_for(contract, decision, installed, asked_by))
    attempt = None if manifest is None else attempts.next_attempt(connection, manifest.run_id, asked_by)
    if attempt is None:
        raise Deferred(f"a run of {dataset} is under way or was asked for a moment ago; `casegold runs` shows it")
    return attempt


def _settled(
    connection: Connection, contract: DatasetContract, decision: Decision, keys: Sequence[date]
) -> Collection[date]:
    """The partitions that are official and that no pending change affects."""
    register = register_of(connection)
    if register is None:
        return ()
    if not contract.reads_sequence:
        return period_inputs.up_to_date(connection, contract, register.first, keys)
    unsettled = unsettled_from(decision)
    states = official_state.partition_states(connection, contract.dataset, keys[0], keys[-1])
    return [key for key in states if unsettled is None or key < unsettled]


def _refusal(
    platform: Platform, contract: DatasetContract, decision: Decision, wanted: PartitionRange, key: date
) -> ConfigurationError:
    """Why a requested range can be neither computed nor verified: one sentence on its first partition that cannot."""
    what, (first, last) = f"{contract.dataset} {key}", contract.period(key)
    clock = installation.business_clock(platform.control)
    over = last_date_over(platform.calendar, clock)
    with platform.control.read() as connection:
        register = register_of(connection)
    if last > over:
        state = "has not begun" if first > platform.calendar.date_of(clock.now()) else "is not over"
        return ConfigurationError(
            f"{what} {state}: by the business clock the last date that is over is {over}",
            remedy="it is computed by itself once its dates are closed; `casegold days status` shows the clock",
        )
    if register is None or last > register.latest:
        until = "no date is closed yet" if register is None else f"dates are closed up to {register.latest}"
        return ConfigurationError(
            f"{what} is open: {until}", remedy="`casegold days status` shows what the next date waits for"
        )
    if last < register.first:
        return ConfigurationError(
            f"{what} lies before the first official date, {register.first}", remedy="name later partitions"
        )
    if (
        isinstance(decision, Due)
        and decision.partitions.first <= wanted.last
        and wanted.first <= decision.partitions.last
    ):
        due = decision.partitions
        return ConfigurationError(
            f"{contract.dataset} {wanted} was asked for, due is {due}: {decision.why}",
            remedy=f"launch exactly {due.first} to {due.last} (the sensor `planner` and `casegold work` do): "
            "dates of a range are published together or not at all; "
            + _change_history(contract.dataset, wanted, "to compute other official partitions again"),
        )
    why = f"due is {decision.partitions} first" if isinstance(decision, Due) else decision.why
    return ConfigurationError(
        f"{what} can be neither computed nor verified now: {why}",
        remedy="`casegold plan` shows what it waits for, `casegold holds` what is held and why",
    )


def _change_history(dataset: str, partitions: PartitionRange | None, what_for: str) -> str:
    first, last = ("FIRST", "LAST") if partitions is None else (partitions.first, partitions.last)
    return f"{what_for}: `casegold backfill request {dataset} {first} {last} --reason ...`"
