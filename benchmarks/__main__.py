"""`python -m benchmarks`: starts its own servers, simulates N events, measures every step, writes results as JSON.

All steps run one after the other on one machine, so their ratios can be compared between machines; times cannot.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from benchmarks.servers import command, own_servers
from casegold.cli.tables import show
from casegold.domain.calendar import BusinessCalendar

EVENTS_A_CASE = 7
LAST = "2024-02-29"
RESULTS = Path(__file__).parent / "results"


@click.command()
@click.option("--events", default=1_000_000, show_default=True, help="Approximate number of simulated events.")
def main(events: int) -> None:
    """Measure ingest and snapshots, compared with a plain loop and a plain scan."""
    clock = BusinessCalendar("UTC").end_of(datetime(2024, 2, 29, tzinfo=UTC).date())
    with own_servers(FIRST_DATE="2024-01-01", BUSINESS_CLOCK=clock.isoformat()):
        results = {"tick_empty": step("tick")}
        cases = str(events // EVENTS_A_CASE)
        command("simulate", "--cases", cases, "--days", "60", "--seed", "1", "--until", LAST)
        for name in ("plain_loop", "tick", "ingest", "plain_scan", "publish"):
            results[name] = step(name)
    results["ratios"] = ratios(results)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{events}.json"
    file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    columns = ("rows", "seconds", "processor_seconds", "rows_per_second", "peak_mib")
    rows = [
        (name, *(figures.get(column) for column in columns)) for name, figures in results.items() if "rows" in figures
    ]
    show(f"{events:,} events", ("step", *(f"{column}#" for column in columns)), rows, empty="")
    click.echo(json.dumps(results["ratios"], indent=2))
    click.echo(f"results: {file}")


def step(name: str) -> dict[str, Any]:
    """Measure one step in a separate process."""
    click.echo(f"measuring {name}", err=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.steps", name], check=True, stdout=subprocess.PIPE, text=True
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def ratios(results: dict[str, Any]) -> dict[str, float]:
    """Ratios of platform steps to plain programs that do far less, and of a sensor tick with and without a backlog."""
    return {
        "ingest_over_plain_loop": round(results["ingest"]["seconds"] / results["plain_loop"]["seconds"], 2),
        "publish_over_plain_scan": round(results["publish"]["seconds"] / results["plain_scan"]["seconds"], 2),
        "tick_with_backlog_over_empty": round(
            results["tick"]["tick_seconds"] / results["tick_empty"]["tick_seconds"], 2
        ),
    }


if __name__ == "__main__":
    main()
