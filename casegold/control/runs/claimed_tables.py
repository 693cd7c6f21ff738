"""Which claim protects which tables: a run must own the claim of every table that it writes or maintains.

A claim has the name of the pipeline's main dataset; an ingest also writes other tables under it. Not here: taking a
claim (`claims`), the layout of tables (`sink.tables`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casegold.domain.contract import Contracts
from casegold.domain.sql import query

if TYPE_CHECKING:
    from casegold.control.db import Connection

ROOM = "casegold.control.runs"


OTHER_TABLES = {
    "silver/case_events": ("bronze/case_events", "bronze/rejected_events"),
    "bronze/control_totals": ("bronze/rejected_totals",),
}
"""Claim -> the tables that its runs write in addition to the dataset itself. Other claims have one table each."""

_CLAIM_OF = {table: claim for claim, tables in OTHER_TABLES.items() for table in tables}


def tables_of(claim: str) -> tuple[str, ...]:
    """The tables that only the owner of a claim writes."""
    return (*OTHER_TABLES.get(claim, ()), claim)


def claim_of(table: str) -> str:
    """The claim under which a table is written."""
    return _CLAIM_OF.get(table, table)


def claims(contracts: Contracts) -> tuple[str, ...]:
    """Every claim of an installation; each dataset comes after its inputs."""
    return tuple(each.dataset for each in contracts.in_order() if claim_of(each.dataset) == each.dataset)


def published(contracts: Contracts) -> tuple[str, ...]:
    """The claims of datasets that are published as versions; each comes after its inputs."""
    return tuple(claim for claim in claims(contracts) if is_published(claim))


def is_published(dataset: str) -> bool:
    """Whether a dataset is published as versions; its layer decides."""
    return dataset.startswith(("gold/", "reports/"))


def maintained_claims(connection: Connection, contracts: Contracts) -> tuple[str, ...]:
    """Every claim with tables to maintain: those of the contracts, and of all shadows ever requested."""
    rows = connection.execute(query(ROOM, "shadow_tables"))
    return (*claims(contracts), *(row["dataset"] for row in rows))
