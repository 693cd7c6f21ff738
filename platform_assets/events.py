"""The ingest assets: the topic, and the runs that bring its records to bronze and silver.

Not here: computed datasets (`product`), and when an ingest is due (`casegold.scheduling.ticks`).
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from casegold.domain.contract import Contracts
from casegold.domain.errors import CasegoldError, Deferred
from casegold.jobs.outcome import Scalar
from platform_assets import metadata, running
from platform_assets.catalog import asset_key, described
from platform_assets.provenance import APPEND_ONLY
from resources.platform import PlatformResource
from resources.runs import NO_RETRY, AssetJob, job_name, tags_of

TOPIC = "kafka/case_events"
RECEIVED = "bronze/case_events"
REJECTED = "bronze/rejected_events"
TOTALS = "bronze/control_totals"
SILVER = "silver/case_events"

CONCERNS = {
    RECEIVED: frozenset({"offsets", "commits", "records", "seconds", "rows/s"}),
    REJECTED: frozenset({"records", "rejected", "conflicts"}),
}
"""The figures of an ingest that each dataset shows; `rejected: INVALID` belongs to `rejected`."""


def topic_asset(contracts: Contracts) -> dg.AssetSpec:
    """The topic of the case systems: Dagster observes it but never materialises it."""
    return dg.AssetSpec(
        asset_key(TOPIC),
        description="Case events as sent by the case systems. Observed: end offsets, lag, rate.",
        group_name="kafka",
        owners=list(contracts[SILVER].owners),
        kinds={"kafka"},
    )


def received_asset(contracts: Contracts) -> dg.AssetSpec:
    """The asset of all records as received."""
    return dg.AssetSpec(
        asset_key(RECEIVED),
        deps=[asset_key(TOPIC)],
        description="Every record as received: cluster, topic, partition, offset, timestamps, headers, raw bytes.",
        group_name="bronze",
        owners=list(contracts[SILVER].owners),
        kinds={"kafka", "iceberg"},
        skippable=True,
    )


def rejected_asset(contracts: Contracts) -> dg.AssetSpec:
    """The asset of rejected records, with reasons."""
    return dg.AssetSpec(
        asset_key(REJECTED),
        deps=[asset_key(RECEIVED)],
        description="Records that are undecodable, invalid, conflicting or outside the contract's dates, and why.",
        group_name="bronze",
        owners=list(contracts[SILVER].owners),
        kinds={"iceberg"},
        skippable=True,
    )


def ingest_events(contracts: Contracts, code_version: str | None) -> dg.AssetsDefinition:
    """One run brings a bounded range of offsets to bronze, sets rejected records aside, and appends facts to silver."""
    specs = [
        received_asset(contracts),
        rejected_asset(contracts),
        described(contracts[SILVER], deps=[asset_key(RECEIVED)], code_version=code_version, skippable=True),
    ]
    return _ingest(SILVER, specs)


def ingest_totals(contracts: Contracts, code_version: str | None) -> dg.AssetsDefinition:
    """One run brings new control totals to bronze."""
    return _ingest(TOTALS, [described(contracts[TOTALS], code_version=code_version, skippable=True)])


def ingest_job(dataset: str, checks: Sequence[dg.AssetChecksDefinition] = ()) -> AssetJob:
    """The job that ingests for a dataset, then evaluates the given standing checks."""
    produced = [RECEIVED, REJECTED, SILVER] if dataset == SILVER else [dataset]
    selection = dg.AssetSelection.assets(*(asset_key(name) for name in produced)).without_checks()
    return dg.define_asset_job(
        job_name(dataset),
        selection=selection | dg.AssetSelection.checks(*checks) if checks else selection,
        description=f"Ingests one bounded range of offsets into {dataset}.",
        tags=tags_of("ingest"),
    )


def _ingest(dataset: str, specs: list[dg.AssetSpec]) -> dg.AssetsDefinition:
    @dg.multi_asset(name=job_name(dataset).replace("ingest_", "read_"), specs=specs, op_tags=NO_RETRY)
    def ingest(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[PlatformResource]
    ) -> Iterator[dg.MaterializeResult[None]]:
        from casegold.scheduling.ticks import ask_ingest  # noqa: PLC0415 - loads Iceberg

        core = platform.open()
        try:
            outcome = running.run_attempt(context, core, dataset, ask_ingest)
        except Deferred as deferred:
            context.log.warning("deferred, nothing was done: %s", deferred.message)
            return
        except CasegoldError as error:
            raise running.failure(error) from error
        for spec in specs:
            figures = figures_of(spec.key.to_user_string(), outcome.summary)
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata=metadata.of_summary(figures), data_version=APPEND_ONLY
            )

    return ingest


def figures_of(dataset: str, summary: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    """The figures of an ingest for one of its datasets; silver shows all of them."""
    concerns = CONCERNS.get(dataset)
    if concerns is None:
        return summary
    return {name: value for name, value in summary.items() if name.split(":")[0] in concerns}
