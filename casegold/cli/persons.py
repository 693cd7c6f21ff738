"""Shared by commands that act under a person's login: `--as`, the connection, the audit trail. Not here: commands."""

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
    "--as", "login", metavar="NAME", help="Your login; default: CASEGOLD_PERSON. You are asked for the password."
)


SHORT_ID = 11
"""Characters of a request's id that lists show; every command accepts a unique prefix."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The settings, and a connection under the person's login: a decision never uses the platform's own login."""

    settings: Settings
    control: ControlDb


def desk_of(login: str | None) -> Desk:
    """A desk with the person's connection. Raises like `control_of_person`."""
    settings = load_settings()
    return Desk(settings, control_of_person(settings, login))


def looking(login: str | None) -> ControlDb:
    """A connection to read only: the person's if one is named, else the platform's."""
    settings = load_settings()
    if login or settings.person:
        return control_of_person(settings, login)
    return opened(settings.control_url())


def contract_and_range(
    settings: Settings, dataset: str, first: str, last: str | None
) -> tuple[DatasetContract, PartitionRange]:
    """The contract, and the partitions from the one that contains `first` to the one that contains `last`.

    Raises:
        ConfigurationError: the dataset does not exist or has no partitions.
        click.BadParameter: a date is malformed, or `last` is before `first`.
    """
    contract = contracts_of(settings)[dataset]
    keys = [contract.partition_of(as_date(text)) for text in (first, last or first)]
    for key in keys:
        contract.period(key)
    if keys[0] > keys[1]:
        raise click.BadParameter(f"{last} is before {first}", param_hint="LAST")
    return contract, PartitionRange(keys[0], keys[1])


TRAIL = ("at", "request", "step", "login", "person", "detail")


def trail_rows(entries: list[AuditEntry]) -> list[tuple[object, ...]]:
    """Entries of the audit trail, steps and refused attempts, as rows of `TRAIL`."""
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
    """Print entries of the audit trail."""
    out.rows("Audit trail, newest first", TRAIL, trail_rows(entries), empty="Nothing was attempted yet.")


def trail_below(entries: list[AuditEntry]) -> Below:
    """Entries of the audit trail as a table below another answer."""
    return Below("Audit trail, newest first", TRAIL, trail_rows(entries))
