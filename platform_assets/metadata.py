"""Converts outcomes of the core to metadata of Dagster events, for people. Not here: the events themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

import dagster as dg

from casegold.control.versions.provenance import Artifact, Published, UsedVersion
from casegold.domain.plain_text import visible
from casegold.jobs.outcome import CheckOutcome, PartitionOutcome, Scalar
from platform_assets import pictures

MAX_SAMPLE = 20
"""Rows of a sample on the page of a check; `quality_result` has the whole sample."""

OPENED = frozenset({"http", "https"})
"""URL schemes that may become links; `javascript:` must not."""

Metadata = dict[str, dg.MetadataValue]


def of_summary(summary: Mapping[str, Scalar]) -> Metadata:
    """Figures of a whole run, one entry per figure."""
    return {name: value_of(value) for name, value in summary.items()}


def of_partition(partition: PartitionOutcome, official: Published, run_id: str) -> Metadata:
    """A published or verified partition: its version and evidence, then its figures."""
    entries: Metadata = {
        "dagster/row_count": dg.MetadataValue.int(official.row_count),
        "version": dg.MetadataValue.int(official.version),
        "new version": dg.MetadataValue.bool(partition.state == "PUBLISHED"),
        "quality": text(official.quality),
        "publication": text(official.publication),
        "digest": text(official.digest),
        "transform": text(official.transform_version),
        "contract": text(official.contract_version),
        "casegold run": text(run_id),
    }
    for name, sequence in (("admitted sequence", official.admitted_seq), ("totals sequence", official.totals_seq)):
        if sequence is not None:
            entries[name] = dg.MetadataValue.int(sequence)
    if partition.verified:
        entries["verified"] = text(f"version {partition.verified} verified")
    if partition.figures:
        entries["figures"] = dg.MetadataValue.md(figures(partition.figures))
    return entries


def figures(values: Mapping[str, Scalar]) -> str:
    """Figures of a partition as Markdown: a table, after a bar if the statuses add up to all cases."""
    shares = {name: value for name in pictures.COLOURS if isinstance(value := values.get(name), int)}
    bar = pictures.share_bar(shares) if sum(shares.values()) == values.get("cases") else ""
    written = pictures.table(["figure", "value"], values.items())
    return f"{bar}\n\n{written}" if bar else written


def of_inputs(used: Sequence[UsedVersion]) -> Metadata:
    """The input versions of a partition, as a table with links to their pages."""
    if not used:
        return {}
    rows = [
        (
            pictures.Markdown(
                f"[{pictures.cell(use.dataset)}](/assets/{quote(use.dataset)}?view=partitions&partition={use.last})"
            ),
            f"{use.first}" if use.first == use.last else f"{use.first} .. {use.last}",
            use.version,
        )
        for use in used
    ]
    return {"made of": dg.MetadataValue.md(pictures.table(["dataset", "partitions", "version"], rows))}


def of_artifacts(files: Sequence[Artifact]) -> Metadata:
    """Places and digests of a partition's files: a path for a local file, a link for a file that a browser opens."""
    entries: Metadata = {}
    for file in files:
        parts = urlsplit(file.uri)
        if parts.scheme in ("", "file"):
            entries[file.name] = dg.MetadataValue.path(str(Path(parts.path)))
        else:
            entries[file.name] = dg.MetadataValue.url(file.uri) if parts.scheme in OPENED else text(file.uri)
        entries[f"{file.name} SHA-256"] = text(file.sha256)
    return entries


def of_check(result: CheckOutcome) -> Metadata:
    """The counts of a check, expected and found values, and a capped sample."""
    entries: Metadata = {
        "status": text(result.status),
        "failures": dg.MetadataValue.int(result.failures),
    }
    for name, told in (("expected", result.expected), ("found", result.actual), ("detail", result.detail)):
        if told:
            entries[name] = text(told)
    return entries | of_sample(result.sample)


def of_sample(sample: Sequence[Mapping[str, object]]) -> Metadata:
    """The first rows of a sample as a table."""
    if not sample:
        return {}
    columns = list(dict.fromkeys(name for row in sample for name in row))
    records = [
        dg.TableRecord({name: visible(str(row.get(name, ""))) for name in columns}) for row in sample[:MAX_SAMPLE]
    ]
    return {
        "sample": dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(name) for name in columns]))
    }


def text(value: str) -> dg.MetadataValue:
    """Text without control characters: nothing in it is hidden or changes the reading direction."""
    return dg.MetadataValue.text(visible(value))


def value_of(value: Scalar) -> dg.MetadataValue:
    """One figure as metadata."""
    if isinstance(value, bool):
        return dg.MetadataValue.bool(value)
    if isinstance(value, int):
        return dg.MetadataValue.int(value)
    if isinstance(value, float):
        return dg.MetadataValue.float(value)
    return text(value)
