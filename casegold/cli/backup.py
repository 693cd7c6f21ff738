"""Commands about backups: make, list, verify and drop points; make an installation of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from casegold.backup.store import Point, Store
from casegold.cli.output import Output, listed
from casegold.cli.services import say
from casegold.domain.errors import ConfigurationError, ValidationFailed
from casegold.runtime.settings import load_settings

if TYPE_CHECKING:
    from casegold.runtime.settings import Settings

SHOWN = 20

directory_argument = click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
point_argument = click.argument("point", required=False)


@click.group()
def backup() -> None:
    """Keep points in time of the database and the lake in a DIRECTORY. Kafka's topics are not part of it.

    docs/operations.md tells what is in a backup, how often to make one, and what to do when something is lost.

    \b
    Examples:
      casegold backup create /backup/casegold
      casegold backup verify /backup/casegold
    """


@backup.command()
@directory_argument
@listed()
def create(directory: Path, out: Output) -> None:
    """Make a point of what is now, while everything runs. Files that DIRECTORY has are not copied again.

    \b
    Examples:
      casegold backup create /backup/casegold
    """
    from casegold.backup.take import take  # noqa: PLC0415 - loads Iceberg
    from casegold.runtime.platform import open_platform  # noqa: PLC0415

    point = take(open_platform(), Store(directory.absolute()), say)
    _show([point], out)
    if point.missing:
        for location in point.missing[:SHOWN]:
            click.echo(f"missing: {location}", err=True)
        raise ValidationFailed(
            f"the warehouse lacks {len(point.missing)} files that the database names; the rest is stored",
            remedy="`casegold reconcile` tells what they belong to; docs/operations.md how to have them again",
        )


@backup.command("list")
@directory_argument
@listed()
def list_points(directory: Path, out: Output) -> None:
    """List the points of DIRECTORY, oldest first.

    \b
    Examples:
      casegold backup list /backup/casegold
    """
    _show(Store(directory).points(), out)


@backup.command()
@directory_argument
@point_argument
@listed()
def verify(directory: Path, point: str | None, out: Output) -> None:
    """Read everything that POINT consists of, by default the newest, and compare it with what was stored.

    \b
    Examples:
      casegold backup verify /backup/casegold
    """
    store = Store(directory)
    chosen = store.point(point)
    problems = [(location, "was missing when the backup was made", "") for location in chosen.missing]
    for number, file in enumerate((chosen.database, *chosen.files), 1):
        if problem := store.problem_of(file):
            problems.append((file.location, problem, str(store.object(file.sha256))))
        if number % 1_000 == 0:
            say(f"  {number} of {len(chosen.files) + 1} files")
    out.rows(
        f"Point {chosen.name}",
        ("file", "problem", "stored as"),
        problems[:SHOWN],
        empty=f"point {chosen.name} is whole",
    )
    if problems:
        raise ValidationFailed(
            f"{len(problems)} of {len(chosen.files) + 1} files are not whole",
            remedy="delete the damaged copies and run `casegold backup create`: it stores anew what is still there",
        )


@backup.command()
@directory_argument
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest points stay.")
def prune(directory: Path, keep: int) -> None:
    """Drop all but the newest points, and the files that only they named.

    \b
    Examples:
      casegold backup prune /backup/casegold --keep 14
    """
    store = Store(directory)
    store.point(None)
    with store.written():
        points, gone = store.prune(keep)
    click.echo(f"dropped {points} points and {gone} files")


@click.command()
@directory_argument
@point_argument
@click.option("--lake", "only_lake", is_flag=True, help="Only put lost or damaged lake files back; keep the database.")
def restore(directory: Path, point: str | None, only_lake: bool) -> None:
    """Make an installation of POINT, by default the newest, in an empty database. Then read what it says.

    The warehouse may be another one than it was. End every process of the lost installation first: two that publish
    under one name contradict each other.

    \b
    Examples:
      casegold restore /backup/casegold
      casegold restore /backup/casegold --lake
    """
    settings = load_settings()
    store = Store(directory.absolute())
    chosen = store.point(point)
    if only_lake:
        _restore_lake(settings, store, chosen)
        return
    from casegold.backup.restore import restore as make  # noqa: PLC0415 - loads Iceberg
    from casegold.servers import dagster_home, local  # noqa: PLC0415

    local.start_servers(settings, say)
    done = make(settings, store, chosen, say)
    local.up(settings, say)
    dagster_home.make(settings)
    click.echo(f"restored the database as of {chosen.name}, and {done.written} lake files; {done.kept} were there")
    _tell_what_is_next(chosen)


def _restore_lake(settings: Settings, store: Store, point: Point) -> None:
    from casegold.backup.restore import put_back  # noqa: PLC0415 - loads Iceberg

    if point.warehouse != settings.warehouse_url():
        raise ConfigurationError(
            f"the backup is of the warehouse {point.warehouse}, this one is {settings.warehouse_url()}",
            remedy="use a backup of this warehouse",
        )
    done = put_back(settings, store, point, say)
    click.echo(
        f"{done.written} lake files are back, {done.kept} were there; `casegold reconcile` tells what is missing"
    )


def _tell_what_is_next(point: Point) -> None:
    click.echo("\nWhat only a person can do, in this order (docs/operations.md):")
    click.echo("  casegold source status         is Kafka the one that was read? If not, accept what is there")
    click.echo("  casegold reconcile             do database and lake agree?")
    for each in point.logins:
        role = each.roles[0] if each.roles else "ROLE"
        click.echo(f"  casegold user add {each.login} --person {each.person} --role {role}")
    click.echo("  casegold dev                   or your own processes: it reads on from where the backup stood")
    for location in point.missing[:SHOWN]:
        click.echo(f"missing in the backup: {location}", err=True)


def _show(points: list[Point], out: Output) -> None:
    out.rows(
        "Backup",
        ("point", "revision", "lake files#", "bytes#", "missing#", "warehouse"),
        ((p.name, p.revision, len(p.files), p.bytes, len(p.missing), p.warehouse) for p in points),
        empty="no backup was made there",
    )


commands = (backup, restore)
