"""What the commands of people share: `--as`, the connection, a range of partitions. Not here: any command."""

from __future__ import annotations

from dataclasses import dataclass

import click

from casegold.cli.arguments import as_date
from casegold.cli.output import Output
from casegold.cli.values import Below, Short
from casegold.control.changes.approvals import AuditEntry
from casegold.control.db import ControlDb
from casegold.control.model import PartitionRange
from casegold.control.revision import opened
from casegold.domain.contract import DatasetContract
from casegold.runtime.contracts import contracts_of
from casegold.runtime.logins import control_of_person
from casegold.runtime.settings import Settings, load_settings

as_option = click.option(
    "--as", "login", metavar="NAME", help="Your login; by default CASEGOLD_PERSON. Its password is asked for."
)


SHORT_ID = 11
"""Characters of a request's id that lists show; every command takes a unique beginning."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a command of a person works: never over the platform's own connection, unless it only looks."""

    settings: Settings
    control: ControlDb


def desk_of(login: str | None) -> Desk:
    """Over the person's connection. Raises as `control_of_person`."""
    settings = load_settings()
    return Desk(settings, control_of_person(settings, login))


def looking(login: str | None) -> ControlDb:
    """To look only: over the person's connection where one is named, else over the platform's."""
    settings = load_settings()
    if login or settings.person:
        return control_of_person(settings, login)
    return opened(settings.control_url())


def contract_and_range(
    settings: Settings, dataset: str, first: str, last: str | None
) -> tuple[DatasetContract, PartitionRange]:
    """The contract, and the partitions from the one that holds `first` to the one that holds `last`.

    Raises:
        ConfigurationError: there is no such dataset, or it has no partitions.
    """
    contract = contracts_of(settings)[dataset]
    keys = [contract.partition_of(as_date(text)) for text in (first, last or first)]
    for key in keys:
        contract.period(key)
    if keys[0] > keys[1]:
        raise click.BadParameter(f"{last} lies before {first}", param_hint="LAST")
    return contract, PartitionRange(keys[0], keys[1])


TRAIL = ("at", "request", "step", "login", "person", "detail")


def trail_rows(entries: list[AuditEntry]) -> list[tuple[object, ...]]:
    """Steps and refused attempts as rows of `TRAIL`."""
    return [
        (
            entry.at,
            None if entry.subject is None else Short(entry.subject, SHORT_ID),
            entry.step,
            entry.actor,
            entry.person,
            entry.detail,
        )
        for entry in entries
    ]


def show_trail(entries: list[AuditEntry], out: Output) -> None:
    """Print steps and refused attempts."""
    out.rows("Audit trail, newest first", TRAIL, trail_rows(entries), empty="Nothing was attempted yet.")


def trail_below(entries: list[AuditEntry]) -> Below:
    """Steps and refused attempts, below what they are about."""
    return Below("Audit trail, newest first", TRAIL, trail_rows(entries))
