"""Markdown on partition pages: what a run changed in published partitions, and why. Not here: computing it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

import dagster as dg

from casegold.domain.difference import Difference, PartitionDifference
from casegold.domain.markup import markdown
from platform_assets.metadata import Metadata
from platform_assets.pictures import table

if TYPE_CHECKING:
    from casegold.operations.causes import Causes
    from casegold.runtime.platform import Platform

NAME = "difference"
MAX_LINES = 20
"""Rows in the table of a page; `casegold diff` prints all of them."""

log = logging.getLogger(__name__)


def of_version(platform: Platform, dataset: str, version: int, keys: Collection[date]) -> Mapping[date, Metadata]:
    """An entry for each of the partitions that had an earlier version.

    The version is already published, so an error here fails nothing: the entry states the error instead.
    """
    from casegold.operations.restatement_report import restatement  # noqa: PLC0415 - loads Iceberg

    try:
        found = restatement(platform, dataset, version)
    except Exception as error:
        log.exception("no difference report for version %s of %s", version, dataset)
        return {key: _entry(markdown(f"could not be computed: {type(error).__name__}: {error}")) for key in keys}
    if found is None:
        return {}
    why = causes(found.causes)
    pages = {key: f"{counts(each.partitions[0])}\n\n{values(each)}\n\n{why}" for key, each in found.compared.items()}
    pages |= {
        key: f"{each.rows_before:,} rows before, {each.rows_after:,} after. Not compared row by row: the run restated "
        f"too many partitions. {command(each, dataset)}\n\n{why}"
        for key, each in found.not_compared.items()
    }
    return {key: _entry(page) for key, page in pages.items()}


def counts(partition: PartitionDifference) -> str:
    """The versions, and how many rows differ between them."""
    return (
        f"Version {partition.version_before} to {partition.version_after}: {partition.changed:,} rows changed, "
        f"{partition.added:,} added, {partition.removed:,} removed; {partition.rows_before:,} rows before, "
        f"{partition.rows_after:,} after."
    )


def values(found: Difference) -> str:
    """The columns that differ with counts and sums, then the first differing values before and after."""
    columns = table(
        ["column", "rows changed", "sum before", "sum after"],
        (
            (each.name, each.changed, _number(each.sum_before), _number(each.sum_after))
            for each in found.columns
            if each.differs
        ),
    )
    lines = list(islice(_lines(found), MAX_LINES))
    (partition,) = found.partitions
    return "\n\n".join(
        [columns, table(["key", "change", "column", "before", "after"], lines), command(partition, found.dataset)]
    )


def command(partition: PartitionDifference, dataset: str) -> str:
    """The command that prints the whole difference."""
    versions = f"{partition.version_before} {partition.version_after}"
    return f"`casegold diff {dataset} {versions} --partition {partition.key}` has every row."


def causes(found: Causes) -> str:
    """Facts and inputs that this version knew and the earlier ones did not, for the whole run."""
    # People write reasons, so they are untrusted and must not be read as Markdown.
    parts = [f"Because of: {markdown('; '.join(found.recorded.reasons))}"]
    if found.facts:
        parts.append(f"{found.facts:,} facts that the earlier versions did not know; the first of them:")
        facts = ((each.event_id, each.event_type, each.case_id, each.dirty_from, each.held) for each in found.sample)
        parts.append(table(["event", "type", "case", "changes dates from", "was held"], facts))
    if found.recorded.inputs:
        inputs = (
            (each.dataset, f"{each.first} .. {each.last}", each.partitions, each.before, each.after)
            for each in found.recorded.inputs[:MAX_LINES]
        )
        parts.append(table(["made of", "range", "partitions", "version before", "after"], inputs))
    return "\n\n".join(parts)


def _lines(found: Difference) -> Iterator[tuple[object, ...]]:
    for row in found.sample:
        key = " ".join(str(value) for value in row.key.values())
        for each in row.cells:
            yield key, row.change, each.column, each.before, each.after


def _number(number: Decimal | None) -> str:
    return "" if number is None else f"{number:,f}"


def _entry(markdown: str) -> Metadata:
    return {NAME: dg.MetadataValue.md(markdown)}
