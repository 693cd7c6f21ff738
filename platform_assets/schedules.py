"""What happens by the clock: nightly close, maintenance and verification, standing questions.

Not here: anything event-driven.
"""

import dagster as dg

from platform_assets.nightly_maintenance import maintenance_job
from platform_assets.verification import verification_job
from resources.platform import PlatformResource
from resources.runs import NO_RETRY, AssetJob, tags_of

NIGHTLY = "15 0 * * *"
"""A quarter past midnight of the business time zone: the date is over and sources have had time to count."""

UPKEEP = "30 3 * * *"
"""Half past three: the nightly close and the runs that it makes due are over, and nobody waits for figures yet."""

VERIFICATION = "30 4 * * *"
"""Half past four: maintenance is over, so that its joined files are what is computed from."""

STANDING = "*/10 * * * *"


@dg.op(name="close_days", tags=NO_RETRY, description="Close every date that is over and complete up to its barrier.")
def close_days_op(context: dg.OpExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """Close what can be closed; the sensor `planner` then requests what became due."""
    from casegold.jobs.day_close import close_days  # noqa: PLC0415 - loads Kafka, definitions do without

    report = close_days(platform.open())
    waits = f"{report.next_date}: {report.waits_for}" if report.next_date else "nothing"
    context.add_output_metadata({"closed": [day.isoformat() for day in report.closed], "waits for": waits})
    context.log.info("closed %s dates; open date that is over waits for %s", len(report.closed), waits)


@dg.job(
    name="day_close", description="Closes the dates that are over, complete, and in silver.", tags=tags_of("ingest")
)
def day_close_job() -> None:
    """One step, no asset: a closed day is control state, the snapshot of it is the asset."""
    close_days_op()


def schedules(time_zone: str, standing_job: AssetJob) -> list[dg.ScheduleDefinition]:
    """All schedules, running by default."""

    def by_the_clock(name: str, job: dg.JobDefinition | AssetJob, cron: str, description: str) -> dg.ScheduleDefinition:
        return dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone=time_zone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=description,
        )

    return [
        by_the_clock(
            "nightly_day_close",
            day_close_job,
            NIGHTLY,
            "The sensor `day_close` does so all day long; this closes them where it is switched off.",
        ),
        by_the_clock(
            "nightly_maintenance",
            maintenance_job,
            UPKEEP,
            "Maintains every table, claim by claim; what is busy is left for the next night.",
        ),
        by_the_clock(
            "nightly_verification",
            verification_job,
            VERIFICATION,
            "Computes a few official partitions of every dataset again, those verified longest ago first.",
        ),
        by_the_clock(
            "standing_questions",
            standing_job,
            STANDING,
            "Asks what waits for a person, so that nothing goes quiet.",
        ),
    ]
