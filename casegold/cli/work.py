"""`casegold work`: ingest, close days, compute and publish without Dagster."""

from __future__ import annotations

import time

import click

from casegold.cli.arguments import SHORT_ID
from casegold.domain.errors import CommitUnknown, ExitClass, SourceUnavailable
from casegold.domain.plain_text import visible

PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
"""The longest pause between ticks while a server is unreachable; the pause doubles up to it."""


@click.command()
@click.option("--until-idle", is_flag=True, help="End once no run can be started; by default, continue for ever.")
def work(until_idle: bool) -> None:
    """Do all due work in this process: ingest, close days, compute, publish.

    Runs the same ticks and jobs as Dagster, without its UI. Both may run at once: only one run at a time can claim a
    dataset. If a server is unreachable, the command retries; with --until-idle it ends.

    \b
    Examples:
      casegold work --until-idle
      casegold work
    """
    from casegold.runtime.platform import open_platform  # noqa: PLC0415
    from casegold.scheduling.worker import Execution, run_until_idle  # noqa: PLC0415 - loads Iceberg and Kafka

    def say(done: Execution) -> None:
        attempt = done.attempt
        scope = f" {attempt.partitions}" if attempt.partitions else ""
        ended = done.exit_class.name if not done.message else f"{done.exit_class.name}: {done.message}"
        click.echo(
            visible(f"{attempt.dataset}{scope} run {attempt.run_id[:SHORT_ID]} attempt {attempt.attempt}: {ended}")
        )

    platform = open_platform()
    pause = PAUSE_SECONDS
    while not until_idle:
        try:
            run_until_idle(platform, say)
            pause = PAUSE_SECONDS
        except (SourceUnavailable, CommitUnknown) as error:
            click.echo(f"casegold: {visible(str(error))}", err=True)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
        time.sleep(pause)
    idle = run_until_idle(platform, say)
    for manifest in idle.waiting:
        click.echo(f"{manifest.dataset} run {manifest.run_id[:SHORT_ID]} waits for its next attempt", err=True)
    worst = max((done.exit_class for done in idle.executions), default=ExitClass.SUCCESS)
    raise SystemExit(int(worst))


commands = (work,)
