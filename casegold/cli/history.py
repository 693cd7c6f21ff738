"""Commands that go back to an older version: republish pins it, release unpins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casegold.cli.arguments import DATASET, as_date, reason_option
from casegold.runtime.platform import open_platform

if TYPE_CHECKING:
    from datetime import date

    from casegold.runtime.platform import Platform


@click.command()
@click.argument("dataset", type=DATASET)
@click.argument("version", type=int)
@click.option("--partition", "partitions", multiple=True, help="Only this date or month; may be repeated.")
@reason_option
def republish(dataset: str, version: int, partitions: tuple[str, ...], reason: str) -> None:
    """Make the partitions that VERSION of DATASET published official again, as a new version, and pin them.

    The planner does not restate pinned partitions until `casegold release`. docs/versions.md lists what else a pin
    blocks.

    \b
    Examples:
      casegold republish gold/case_daily_snapshot 4 --reason "version 5 has a wrong level"
      casegold republish reports/enforcement_report 2 --partition 2026-03 --reason "wrong penalties"
    """
    from casegold.control.versions.model import short_id  # noqa: PLC0415 - with the platform
    from casegold.operations import republish  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    wanted = [key_of(platform, dataset, text) for text in partitions]
    done = republish.republish(platform, dataset, version, wanted, reason)
    since = "is now" if done.anew else "is already"
    click.echo(
        f"{short_id(dataset, done.version)} {since} the same as {short_id(dataset, version)}: "
        f"{len(done.partitions)} partitions, pinned until `casegold release {dataset}`"
    )


@click.command()
@click.argument("dataset", type=DATASET)
@click.option("--partition", help="Only this date or month; default: every pinned partition.")
@reason_option
def release(dataset: str, partition: str | None, reason: str) -> None:
    """Unpin republished partitions: the planner restates them from all facts known now.

    \b
    Examples:
      casegold release gold/case_daily_snapshot --reason "the correction has arrived"
      casegold release reports/enforcement_report --partition 2026-03 --reason "settled"
    """
    from casegold.operations import republish  # noqa: PLC0415 - loads Iceberg

    platform = open_platform()
    key = None if partition is None else key_of(platform, dataset, partition)
    keys = republish.release(platform, dataset, key, reason)
    click.echo(f"{len(keys)} partitions of {dataset} are no longer pinned; the planner restates them")


def key_of(platform: Platform, dataset: str, text: str) -> date:
    """The partition key for a date or a month on the command line."""
    return platform.contracts[dataset].partition_of(as_date(text))


commands = (republish, release)
