"""Which tables are written under which claim: whoever writes or maintains a table owns its claim.

A claim is named after the dataset that a pipeline is for; its ingest writes others on the way. Not here: taking a claim
(`store`), and what tables look like (`sink.tables`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casegold.domain.contract import Contracts
from casegold.domain.sql import query

if TYPE_CHECKING:
    from casegold.control.db import Connection

ROOM = "casegold.control.runs"


WRITTEN_BESIDE = {
    "silver/case_events": ("bronze/case_events", "bronze/rejected_events"),
    "bronze/control_totals": ("bronze/rejected_totals",),
}
"""Claim -> the tables that its runs write beside the dataset itself. All other datasets are written alone."""

_CLAIM_OF = {table: claim for claim, tables in WRITTEN_BESIDE.items() for table in tables}


def tables_of(claim: str) -> tuple[str, ...]:
    """The tables that only the owner of a claim writes."""
    return (*WRITTEN_BESIDE.get(claim, ()), claim)


def claim_of(table: str) -> str:
    """The claim under which a table is written."""
    return _CLAIM_OF.get(table, table)


def claims(contracts: Contracts) -> tuple[str, ...]:
    """Every claim of an installation, after those that its dataset is made from."""
    return tuple(each.dataset for each in contracts.in_order() if claim_of(each.dataset) == each.dataset)


def published(contracts: Contracts) -> tuple[str, ...]:
    """The claims of what is published as versions, after those that it is made from."""
    return tuple(claim for claim in claims(contracts) if is_published(claim))


def is_published(dataset: str) -> bool:
    """Whether a dataset is published as versions: its layer says so."""
    return dataset.startswith(("gold/", "reports/"))


def maintained_claims(connection: Connection, contracts: Contracts) -> tuple[str, ...]:
    """Every claim with tables to maintain: those of the contracts, and of shadows that were ever asked for."""
    rows = connection.execute(query(ROOM, "shadow_tables"))
    return (*claims(contracts), *(row["dataset"] for row in rows))
