"""The road that launches from a UI or a command line take: the due range, or a refusal that names it.

Not here: launches by sensors, which ask for attempts of manifests that the planner wrote (`runtime.ticks`).
"""

from __future__ import annotations

from casegold.domain.errors import ConfigurationError, Deferred
from casegold.manifest import planner, store
from casegold.manifest.decisions import Due
from casegold.manifest.model import Attempt, PartitionRange
from casegold.runtime.platform import Platform
from casegold.transform.version import versions


def manual(platform: Platform, dataset: str, wanted: PartitionRange | None, asked_by: str) -> Attempt:
    """The attempt to execute for a person's launch of a dataset.

    Args:
        wanted: the partitions asked for; None means whatever is due.

    Raises:
        ConfigurationError: nothing is due, or another range is: a part of a range would publish figures that
            contradict each other.
        Deferred: a run of the dataset is under way.
    """
    transforms = versions()
    with platform.control.write("attempt-request") as connection:
        decisions = {d.dataset: d for d in planner.decide(connection, platform.contracts, transforms)}
        decision = decisions.get(dataset)
        if decision is None:
            raise ConfigurationError(
                f"{dataset} is not computed by the planner", remedy=f"computed datasets: {', '.join(sorted(decisions))}"
            )
        if not isinstance(decision, Due):
            raise ConfigurationError(
                f"nothing of {dataset} is due: {decision.why}",
                remedy="`casegold plan` tells why; "
                + _change_history(dataset, wanted, "to compute official partitions again"),
            )
        if wanted is not None and wanted != decision.partitions:
            raise ConfigurationError(
                f"{dataset} {wanted} was asked for, due is {decision.partitions}: {decision.why}",
                remedy=f"launch exactly {decision.partitions.first} to {decision.partitions.last}: "
                "dates of a range are published together or not at all; "
                + _change_history(dataset, wanted, "to compute other official partitions again"),
            )
        contract = platform.contracts[dataset]
        if planner.needs_approval(contract, decision):
            raise ConfigurationError(
                f"{dataset} {decision.partitions} changes {decision.restated} official partitions: {decision.why}",
                remedy=_change_history(dataset, decision.partitions, "two people have to agree"),
            )
        manifest = store.request(connection, planner.request_for(contract, decision, transforms, asked_by))
        attempt = None if manifest is None else store.next_attempt(connection, manifest.run_id, asked_by)
    if attempt is None:
        raise Deferred(f"a run of {dataset} is under way or was asked for a moment ago; `casegold runs` shows it")
    return attempt


def _change_history(dataset: str, partitions: PartitionRange | None, what_for: str) -> str:
    first, last = ("FIRST", "LAST") if partitions is None else (partitions.first, partitions.last)
    return f"{what_for}: `casegold backfill request {dataset} {first} {last} --reason ...`"
