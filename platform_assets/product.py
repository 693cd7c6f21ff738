"""Builds the asset, the checks and the job of a computed dataset from its contract.

A new product needs no change here. Not here: computing, judging, publishing.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from casegold.control.integrity.verifications import Found
from casegold.control.versions.provenance import artifacts, published, used_versions
from casegold.domain.contract import DatasetContract
from casegold.domain.errors import CasegoldError, Deferred
from casegold.domain.plain_text import visible
from casegold.jobs.outcome import CheckOutcome, GateClosed, Outcome
from platform_assets import differences, metadata, provenance, running
from platform_assets.catalog import asset_key, described
from resources.platform import PlatformResource
from resources.runs import NO_RETRY, RUN_ID_TAG, AssetJob, job_name, tags_of

if TYPE_CHECKING:
    from casegold.runtime.platform import Platform

Event = dg.AssetMaterialization | dg.AssetCheckEvaluation
PASSING = frozenset({"PASSED", "WAIVED", "TOLERATED"})
ON_RECORD = frozenset({"PUBLISHED", "UNCHANGED", Found.VERIFIED})
"""States of partitions that Dagster records as materialised: published, unchanged, or verified."""


def product_asset(
    contract: DatasetContract, partitions: dg.PartitionsDefinition[str], code_version: str
) -> dg.AssetsDefinition:
    """The asset of a computed dataset, with a partitioned check for each check of the contract."""
    key = asset_key(contract.dataset)
    checks = [
        dg.AssetCheckSpec(
            rule.name, asset=key, description=rule.description, blocking=rule.required, partitions_def=partitions
        )
        for rule in contract.checks
    ]

    @dg.multi_asset(
        name=contract.dataset.replace("/", "__"),
        specs=[described(contract, partitions=partitions, code_version=code_version)],
        check_specs=checks,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        # Makes outputs optional: a deferred run records nothing, a partly held one only the published partitions.
        can_subset=True,
        op_tags=NO_RETRY,
    )
    def product(context: dg.AssetExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> Iterator[Event]:
        yield from _compute(context, platform.open(), contract)

    return product


def product_job(contract: DatasetContract) -> AssetJob:
    """The job that computes a range of the dataset's partitions."""
    key = asset_key(contract.dataset)
    checks = [dg.AssetCheckKey(key, rule.name) for rule in contract.checks]
    return dg.define_asset_job(
        job_name(contract.dataset),
        # Another job runs the standing checks of the asset.
        selection=dg.AssetSelection.assets(key).without_checks() | dg.AssetSelection.checks(*checks),
        description=f"{contract.title}: computes, gates and publishes a range of {contract.partitioned_by} partitions.",
        tags=tags_of("compute"),
    )


def _compute(context: dg.AssetExecutionContext, platform: "Platform", contract: DatasetContract) -> Iterator[Event]:
    from casegold.scheduling.manual import manual  # noqa: PLC0415 - loads Iceberg, which definitions do not need

    try:
        outcome = running.run_attempt(context, platform, contract.dataset, manual)
    except Deferred as deferred:
        context.log.warning("deferred, nothing was done: %s", deferred.message)
        return
    except GateClosed as closed:
        yield from events(context, platform, contract, closed.outcome)
        raise running.failure(closed) from closed
    except CasegoldError as error:
        raise running.failure(error) from error
    yield from events(context, platform, contract, outcome)


def events(
    context: dg.AssetExecutionContext, platform: "Platform", contract: DatasetContract, outcome: Outcome
) -> Iterator[Event]:
    """Every check of every judged partition, and a materialisation of each partition that became or stayed official.

    Each event names its own partition: otherwise Dagster would record one result for all partitions of a range.
    """
    key = asset_key(contract.dataset)
    running.keep_connections(context)
    made_of = provenance.tags_of_inputs(context.instance, contract)
    keys = [partition.key for partition in outcome.partitions if partition.state in ON_RECORD]
    official = published(platform.control, contract.dataset, keys)
    changed = (
        {} if outcome.version is None else differences.of_version(platform, contract.dataset, outcome.version, keys)
    )
    for partition in outcome.partitions:
        name = partition.key.isoformat()
        for result in partition.checks:
            yield check_evaluation(key, name, result)
        if partition.key not in official:
            continue
        state = official[partition.key]
        if partition.verified not in (None, state.version):
            continue  # another version became official since: the run that published it records it
        version = (contract.dataset, state.version, partition.key)
        yield dg.AssetMaterialization(
            asset_key=key,
            partition=name,
            description=f"version {state.version} {'verified' if partition.verified else state.quality}",
            metadata=metadata.of_partition(partition, state, context.run.tags.get(RUN_ID_TAG, state.run_id))
            | metadata.of_inputs(used_versions(platform.control, *version))
            | metadata.of_artifacts(artifacts(platform.control, *version))
            | changed.get(partition.key, {}),
            tags={"dagster/code_version": state.transform_version, "dagster/data_version": state.digest, **made_of},
        )


def check_evaluation(key: dg.AssetKey, partition: str, result: CheckOutcome) -> dg.AssetCheckEvaluation:
    """One check of one partition. A waived failure passes; its status says that it was waived."""
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=result.check,
        passed=result.status in PASSING,
        severity=dg.AssetCheckSeverity.ERROR if result.required else dg.AssetCheckSeverity.WARN,
        description=visible(result.detail) or result.status.lower(),
        metadata=metadata.of_check(result),
        blocking=result.required,
        partition=partition,
    )
