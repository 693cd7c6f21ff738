"""Wires everything together, in this one place: contracts, assets, checks, jobs, schedules, sensors, resources.

It reads settings and contract files, and the business clock of an installation that was started.
"""

from __future__ import annotations

import warnings
from datetime import date

import dagster as dg

from casegold.control.integrity import standing_checks as questions
from casegold.control.planning.planner import is_computed
from casegold.domain.contract import DatasetContract
from casegold.operations import reconciliation
from casegold.operations.standing_checks import EPOCHS, INGEST_CAUGHT_UP
from casegold.runtime.clock import last_date_of_fixed_clock
from casegold.runtime.contracts import contracts_of
from casegold.runtime.product_folder import read_products
from casegold.runtime.settings import Settings, load_settings
from casegold.transform import version as transforms
from platform_assets import events
from platform_assets.backfills import execute_job, plan_job
from platform_assets.catalog import asset_key
from platform_assets.nightly_maintenance import maintenance_job
from platform_assets.partitions import partitions_of
from platform_assets.product import product_asset, product_job
from platform_assets.requested import replay_job, shadow_job
from platform_assets.schedules import day_close_job, schedules
from platform_assets.standing import standing_checks
from platform_assets.verification import verification_job
from resources.platform import PlatformResource
from resources.runs import tags_of
from sensors.backfill_requests import backfill_requests
from sensors.day_close import day_close
from sensors.dead_runs import dead_runs
from sensors.domain import domain_sensor
from sensors.planner import planner_sensor
from sensors.publish_events import publish_events
from sensors.reconcile import reconcile_sensor
from sensors.run_status import cancelled_runs, failed_runs_sensor

OF_INGEST = (
    INGEST_CAUGHT_UP,
    EPOCHS,
    questions.LOST_OFFSETS,
    questions.HELD_FACTS,
    questions.OPEN_CONFLICTS,
    questions.REJECTED_FACTS,
    questions.POSITIONS,
    reconciliation.LEDGER_AND_LAKE,
)
OF_REGISTER = (
    questions.OVERDUE_CLOSES,
    questions.UNDESCRIBED,
    questions.OPEN_HOLDS,
    questions.FAILED_RUNS,
    questions.STUCK_ATTEMPTS,
    questions.OPEN_REQUESTS,
    questions.IRREPRODUCIBLE,
    questions.UNVERIFIABLE,
    questions.UNDECIDED,
    reconciliation.VERSIONS_AND_LAKE,
    reconciliation.DEAD_STAGES,
    reconciliation.ORPHANS,
    questions.AUDIT_TRAIL,
    questions.RIGHTS,
    questions.UNDELIVERED,
    questions.UNHEARD,
)


def build_defs(settings: Settings | None = None, platform: PlatformResource | None = None) -> dg.Definitions:
    """The definitions of the whole code location.

    Args:
        settings: settings of the installation; by default from the environment.
        platform: access to an installation that is already open.

    Raises:
        ConfigurationError: a setting or contract is wrong.
        SourceUnavailable: the installation was started, but its database does not respond.
    """
    with warnings.catch_warnings():
        # Partitioned checks, and mappings to upstream partitions that do not exist, are beta in Dagster. Its release is
        # pinned, and the tests of graph and runs show when another one changes them.
        for category in (dg.BetaWarning, dg.PreviewWarning):
            warnings.simplefilter("ignore", category)
        return _definitions(settings or load_settings(), platform)


def _definitions(settings: Settings, platform: PlatformResource | None) -> dg.Definitions:
    products = read_products(settings.products_dir)
    contracts = contracts_of(settings, products)
    versions = transforms.versions(products)
    last_date = last_date_of_fixed_clock(settings)
    computed = [contract for contract in contracts.in_order() if is_computed(contract)]
    ingest_checks = standing_checks("standing_ingest", OF_INGEST)
    register_checks = standing_checks("standing_register", OF_REGISTER)
    ingest_jobs = [events.ingest_job(events.SILVER, [ingest_checks]), events.ingest_job(events.TOTALS)]
    product_jobs = [product_job(contract) for contract in computed]
    standing_job = dg.define_asset_job(
        "standing_questions",
        selection=dg.AssetSelection.checks(ingest_checks, register_checks),
        description="Evaluates every standing check.",
        tags=tags_of("ingest"),
    )
    return dg.Definitions(
        assets=[
            events.topic_asset(contracts),
            events.ingest_events(contracts, versions.get(contracts[events.SILVER].transform)),
            events.ingest_totals(contracts, versions.get(contracts[events.TOTALS].transform)),
            *(_product(contract, settings.time_zone, last_date, versions) for contract in computed),
        ],
        asset_checks=[ingest_checks, register_checks],
        jobs=[
            *ingest_jobs,
            *product_jobs,
            standing_job,
            day_close_job,
            maintenance_job,
            verification_job,
            replay_job,
            shadow_job,
            plan_job,
            execute_job,
        ],
        schedules=schedules(settings.time_zone, standing_job),
        sensors=[
            domain_sensor("domain_events", events.SILVER, ingest_jobs[0], asset_key(events.TOPIC)),
            domain_sensor("domain_totals", events.TOTALS, ingest_jobs[1]),
            day_close,
            planner_sensor([*product_jobs, replay_job, shadow_job], last_date),
            publish_events,
            backfill_requests,
            reconcile_sensor(maintenance_job),
            dead_runs(settings.run_lease_seconds),
            failed_runs_sensor(product_jobs),
            cancelled_runs,
        ],
        resources={"platform": platform or PlatformResource(settings)},
        executor=dg.in_process_executor,
    )


def _product(
    contract: DatasetContract, time_zone: str, last_date: date | None, versions: dict[str, str]
) -> dg.AssetsDefinition:
    partitions = partitions_of(contract, time_zone, last_date)
    return product_asset(contract, partitions, versions[contract.transform])
