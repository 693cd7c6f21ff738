"""`casegold audit`: whether the audit trail is intact. Not here: its entries (`casegold backfill audit`)."""

from __future__ import annotations

import click

from casegold.control.integrity.audit_trail import breaks
from casegold.control.integrity.audit_trail import head as head_of
from casegold.control.revision import opened
from casegold.domain.errors import ExitClass
from casegold.runtime.settings import load_settings

SHOWN = 20


@click.group()
def audit() -> None:
    """Verify the audit trail of people's decisions, or print its head.

    The trail is a hash chain: each link has a digest of the one before, so the head's digest covers the whole trail.

    \b
    Examples:
      casegold audit verify
      casegold audit head
    """


@audit.command()
def head() -> None:
    """Print number and digest of the last link. Keep them where no database administrator can change them.

    \b
    Examples:
      casegold audit head
    """
    last = head_of(opened(load_settings().control_url()))
    click.echo(f"{last.sequence} {last.digest}")


@audit.command()
@click.option(
    "--kept", nargs=2, metavar="NUMBER DIGEST", type=(int, str), help="Also compare with a head that you kept."
)
@click.option("--without-kafka", is_flag=True, help="Do not compare with the announcements on Kafka.")
@click.pass_context
def verify(context: click.Context, kept: tuple[int, str] | None, without_kafka: bool) -> None:
    """Verify the audit trail: recompute its whole hash chain.

    Compares it with the tables, and with the heads that announcements on Kafka carry.

    \b
    Exit codes:
      0   the trail is intact, and no announcement contradicts it
      50  it is not: somebody with superuser rights changed it, or this is a bug

    \b
    Examples:
      casegold audit verify
      casegold audit verify --without-kafka
    """
    from casegold.control.integrity.audit_trail import Head, contradicted  # noqa: PLC0415 - with what follows
    from casegold.operations import announced_heads  # noqa: PLC0415 - loads Kafka

    settings = load_settings()
    control = opened(settings.control_url())
    problems = []
    for found in breaks(control, SHOWN):
        link = "without a link" if found.sequence is None else f"link {found.sequence}"
        problems.append(f"{link}  {found.source} {found.row_key}: {found.problem}")
    last = head_of(control)
    click.echo(f"{last.sequence:,} links, the last one {last.digest}")
    if kept is not None and contradicted(control, [Head(*kept)]):
        problems.append(f"link {kept[0]}  is not the one that you kept")
    if not without_kafka:
        compared = announced_heads.compare(settings, control)
        click.echo(f"{compared.announcements:,} announcements carry a head")
        if compared.void:
            click.echo(
                f"{compared.void:,} of them were sent after a backup that was restored since: their links are void"
            )
        problems += [
            f"link {each.head.sequence}  is not the one that {each.topic}[{each.partition}]@{each.offset} announced"
            for each in compared.contradicted[:SHOWN]
        ]
    for problem in problems:
        click.echo(problem)
    if problems:
        click.echo('-> keep the database as it is and see docs/security.md, "A trail that does not hold"', err=True)
        context.exit(int(ExitClass.BUG))
    click.echo("the trail is intact")


commands = (audit,)
