"""`casegold verify`: recompute official figures from their recorded inputs, and compare."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click

from casegold.cli.arguments import DATASET, as_date
from casegold.cli.output import JSON, Output, listed
from casegold.cli.values import plain
from casegold.domain.errors import ExitClass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from casegold.control.integrity.verifications import Verification
    from casegold.runtime.platform import Platform

ASKED_BY = "casegold verify"


@click.command()
@click.argument("dataset", type=DATASET)
@click.option("--partition", "partitions", multiple=True, help="Only this date, month or quarter; may be repeated.")
@click.option(
    "--range", "span", nargs=2, metavar="FIRST LAST", help="The partitions from FIRST to LAST, both included."
)
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="Only the N partitions whose last verification is oldest."
)
@listed(columns=False)
@click.pass_context
def verify(
    context: click.Context,
    dataset: str,
    partitions: tuple[str, ...],
    span: tuple[str, str] | None,
    sample: int | None,
    out: Output,
) -> None:
    """Recompute official partitions of DATASET and compare the result with the published rows. Default: all of them.

    Uses the inputs and rules recorded with each version, and also compares the rows in the official files. Changes no
    figure. The outcome is recorded; after a difference, the standing check `figures_reproducible` stays red.

    \b
    Exit codes:
      0   every partition is verified
      50  a partition is different: its figures cannot be reproduced
      40  none is different, but some cannot be verified: other rules are installed, or an input is gone

    \b
    Examples:
      casegold verify gold/case_daily_snapshot --partition 2024-01-05
      casegold verify gold/case_daily_snapshot --range 2024-01-01 2024-01-31
      casegold verify reports/enforcement_report --partition 2024-01
      casegold verify gold/case_daily_snapshot --sample 10 --format json
    """
    from casegold.control.integrity.verifications import Found  # noqa: PLC0415 - loads Postgres
    from casegold.jobs import verification  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    if sum((bool(partitions), span is not None, sample is not None)) > 1:
        raise click.UsageError("give only one of --partition, --range and --sample")
    platform = open_platform()
    wanted = _wanted(platform, dataset, partitions, span, sample)
    outcomes = []

    def looked_at() -> Iterator[Verification]:
        for found in verification.verify(platform, dataset, wanted, ASKED_BY):
            outcomes.append(found.outcome)
            yield found

    if out.form == JSON:
        out.stream(asdict(found) for found in looked_at())
    else:
        for found in looked_at():
            click.echo(_line(found))
    if not outcomes:
        click.echo(f"{dataset} has no official version yet. `casegold plan` shows what is due.", err=True)
    if Found.DIFFERENT in outcomes:
        click.echo(f"-> {verification.DIFFERENT_REMEDY}", err=True)
        context.exit(int(ExitClass.BUG))
    if Found.UNVERIFIABLE in outcomes:
        click.echo(f"-> {verification.UNVERIFIABLE_REMEDY}", err=True)
        context.exit(int(ExitClass.CONFIGURATION))


def _wanted(
    platform: Platform, dataset: str, partitions: tuple[str, ...], span: tuple[str, str] | None, sample: int | None
) -> list[date]:
    from casegold.jobs import verification  # noqa: PLC0415 - with the platform

    contract = platform.contracts[dataset]
    if partitions:
        return sorted({contract.partition_of(as_date(text)) for text in partitions})
    if span is not None:
        first, last = (contract.partition_of(as_date(text)) for text in span)
        if last < first:
            raise click.BadParameter(f"{span[1]} is before {span[0]}", param_hint="--range")
        return contract.partitions_between(first, last)
    return verification.sample(platform, dataset, sample) if sample else verification.official(platform, dataset)


def _line(found: Verification) -> str:
    from casegold.jobs import verification  # noqa: PLC0415 - with the platform

    return f"{found.partition}  {plain(verification.sentence(found))}"


commands = (verify,)
