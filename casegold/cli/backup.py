"""Commands for backups: create, list, verify and prune points in time; restore one."""

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
    """Back up the database and the lake to a DIRECTORY, one point in time per backup. Kafka's topics are not included.

    docs/operations.md describes what a backup contains, how often to make one, and how to recover from a loss.

    \b
    Examples:
      casegold backup create /backup/casegold
      casegold backup verify /backup/casegold
    """


@backup.command()
@directory_argument
@listed()
def create(directory: Path, out: Output) -> None:
    """Create a backup of the present state, while everything runs. Copies only files that DIRECTORY does not have.

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
            remedy="`casegold reconcile` shows what they belong to; docs/operations.md how to recover them",
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
    """Check every file of POINT, by default the newest. Compares it with its recorded digest.

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
        empty=f"point {chosen.name} is intact",
    )
    if problems:
        raise ValidationFailed(
            f"{len(problems)} of {len(chosen.files) + 1} files are damaged or missing",
            remedy="delete the damaged copies and run `casegold backup create`: it copies the files that still exist",
        )


@backup.command()
@directory_argument
@click.option("--keep", type=click.IntRange(min=1), required=True, help="Number of newest points to keep.")
def prune(directory: Path, keep: int) -> None:
    """Delete all but the newest points. Files that no remaining point needs are deleted, too.

    \b
    Examples:
      casegold backup prune /backup/casegold --keep 14
    """
    store = Store(directory)
    store.point(None)
    with store.written():
        points, gone = store.prune(keep)
    click.echo(f"deleted {points} points and {gone} files")


@click.command()
@directory_argument
@point_argument
@click.option("--lake", "only_lake", is_flag=True, help="Only restore lost or damaged lake files; keep the database.")
def restore(directory: Path, point: str | None, only_lake: bool) -> None:
    """Restore an installation from POINT, by default the newest, into an empty database; then follow the steps printed.

    The warehouse may have another location than before. First stop every process of the lost installation: two
    installations with one name would publish contradicting figures.

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
        f"{done.written} lake files are restored, {done.kept} were intact; `casegold reconcile` shows what is missing"
    )


def _tell_what_is_next(point: Point) -> None:
    click.echo("\nNext, do these steps in this order (docs/operations.md):")
    click.echo("  casegold source status         is this the same Kafka? If not, accept its topics' new epochs")
    click.echo("  casegold reconcile             do database and lake agree?")
    for each in point.logins:
        role = each.roles[0] if each.roles else "ROLE"
        click.echo(f"  casegold user add {each.login} --person {each.person} --role {role}")
    click.echo("  casegold dev                   or your own processes: ingest goes on from the backup's positions")
    for location in point.missing[:SHOWN]:
        click.echo(f"missing from the backup: {location}", err=True)


def _show(points: list[Point], out: Output) -> None:
    out.rows(
        "Backup",
        ("point", "revision", "lake files#", "bytes#", "missing#", "warehouse"),
        ((p.name, p.revision, len(p.files), p.bytes, len(p.missing), p.warehouse) for p in points),
        empty="this directory has no backup",
    )


commands = (backup, restore)
