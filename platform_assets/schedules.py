"""The schedules: nightly day close, maintenance and verification, and the standing checks.

Not here: anything event-driven.
"""

import dagster as dg

from platform_assets.nightly_maintenance import maintenance_job
from platform_assets.verification import verification_job
from resources.platform import PlatformResource
from resources.runs import NO_RETRY, AssetJob, tags_of

NIGHTLY = "15 0 * * *"
"""00:15 in the business time zone: the date has ended, and sources have had time to count."""

UPKEEP = "30 3 * * *"
"""03:30: the nightly close and the runs after it have ended, and nobody waits for figures yet."""

VERIFICATION = "30 4 * * *"
"""04:30: maintenance has ended, so verification reads the compacted files."""

STANDING = "*/10 * * * *"


@dg.op(
    name="close_days", tags=NO_RETRY, description="Close every date that has ended and is complete up to its barrier."
)
def close_days_op(context: dg.OpExecutionContext, platform: dg.ResourceParam[PlatformResource]) -> None:
    """Close all dates that can be closed; the sensor `planner` then requests the runs now due."""
    from casegold.jobs.day_close import close_days  # noqa: PLC0415 - loads Kafka, which definitions do not need

    report = close_days(platform.open())
    waits = f"{report.next_date}: {report.waits_for}" if report.next_date else "nothing"
    context.add_output_metadata({"closed": [day.isoformat() for day in report.closed], "waits for": waits})
    context.log.info("closed %s dates; the next one waits for %s", len(report.closed), waits)


@dg.job(
    name="day_close", description="Closes dates that have ended and are complete in silver.", tags=tags_of("ingest")
)
def day_close_job() -> None:
    """One step, no asset: a closed day is control state; its snapshot is the asset."""
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
            "Closes dates if the sensor `day_close`, which does this all day, is switched off.",
        ),
        by_the_clock(
            "nightly_maintenance",
            maintenance_job,
            UPKEEP,
            "Maintains every table, claim by claim; busy ones are left for the next night.",
        ),
        by_the_clock(
            "nightly_verification",
            verification_job,
            VERIFICATION,
            "Recomputes a few official partitions of every dataset, least recently verified first.",
        ),
        by_the_clock(
            "standing_questions",
            standing_job,
            STANDING,
            "Evaluates the standing checks, so that nothing that needs a person goes unnoticed.",
        ),
    ]
