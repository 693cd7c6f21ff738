"""`casegold demo`: the whole flow in a fresh installation. Not here: its steps (`servers.demo`)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from casegold.cli.tables import show as show_table
from casegold.cli.values import span
from casegold.runtime.shipped import MAPPINGS
from casegold.servers import demo as demonstration

HOME = Path(".casegold") / "demo"
PAGES_SHOWN = 3


@click.command()
@click.option("--cases", default=7_100, show_default=True, help="Simulated cases, about 7 events each.")
@click.option("--seed", default=2024, show_default=True, help="Seed of the simulation.")
@click.option(
    "--event-log", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Also play this real event log."
)
@click.option(
    "--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What its columns mean (YAML)."
)
@click.option("--port", default=3000, show_default=True, help="Port of Dagster's UI; if it is taken, a free one.")
@click.option("--patience", default=900.0, show_default=True, help="Seconds until the demo gives up.")
def demo(cases: int, seed: int, event_log: Path | None, mapping: Path | None, port: int, patience: float) -> None:
    """Run the whole flow from scratch: send events to Kafka, and let a Dagster daemon turn them into official figures.

    Sixty dates of simulated cases become daily snapshots and two monthly reports; --event-log adds a real log. Only
    the daemon's sensors start runs. Data are in .casegold/demo, which each demo deletes first.

    \b
    Examples:
      casegold demo
      casegold demo --cases 700
      casegold demo --event-log receipt.csv
    """
    acts = [demonstration.simulated_act(cases, seed)]
    if event_log is not None:
        acts.append(demonstration.log_act(event_log, mapping or MAPPINGS / f"{event_log.name.split('.')[0]}.yaml"))
    for number, act in enumerate(acts, start=1):
        home = HOME / f"{number}"
        click.secho(f"\n{act.name}: {act.days} dates, {act.first} to {act.last}, {act.time_zone}", bold=True)
        result = demonstration.play(act, home, port, patience, click.echo)
        _tell(act, home, result)


def _tell(act: demonstration.Act, home: Path, result: demonstration.Result) -> None:
    show_table(
        f"\n{act.name}: official versions",
        ("dataset", "version#", "quality", "publication", "partitions#", "range", "rows#"),
        (
            (
                row["dataset"],
                row["version"],
                row["quality_status"],
                row["publication"],
                row["partitions"],
                span(row["first"], row["last"]),
                row["rows"],
            )
            for row in result.versions
        ),
        empty="No version.",
    )
    click.echo(f"\n{result.seconds_to_publish:.1f} s from the last control total to the last published version")
    pages = [uri for uri in result.artifacts if uri.endswith(".html")]
    if len(pages) > PAGES_SHOWN:
        click.echo(f"{len(pages)} reports, each a page and a CSV file; the last ones:")
    for uri in pages[-PAGES_SHOWN:]:
        click.echo(f"report: {uri}")
    settings = " ".join(f"{name}={value}" for name, value in act.environment(home).items())
    click.echo(f"browse it: {settings} {sys.argv[0]} dev")


commands = (demo,)
