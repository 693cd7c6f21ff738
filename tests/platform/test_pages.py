"""What people read in the UI: pictures, tables and metadata."""

from __future__ import annotations

from base64 import b64decode
from datetime import date
from xml.etree import ElementTree

import dagster as dg
from hypothesis import given
from hypothesis import strategies as st

from casegold.control.versions.provenance import Artifact, Published, UsedVersion
from casegold.jobs.outcome import CheckOutcome, PartitionOutcome
from platform_assets import metadata, pictures

DAY = date(2026, 3, 1)
OFFICIAL = Published(DAY, 7, 120, "ab" * 16, "PASSED", "OFFICIAL", "f" * 64, 41, 3, "snapshot-1+abc", "1.0.0")


def boxes_of(markdown: str) -> list[ElementTree.Element]:
    svg = ElementTree.fromstring(b64decode(markdown.rsplit("base64,", 1)[1].rstrip(")")))  # noqa: S314
    return svg.findall("{http://www.w3.org/2000/svg}rect")


@given(st.dictionaries(st.sampled_from([*pictures.COLOURS, "breached"]), st.integers(0, 10**9)))
def test_a_bar_is_as_wide_as_its_parts_and_small(parts: dict[str, int]) -> None:
    bar = pictures.share_bar({name: float(value) for name, value in parts.items()})
    shown = [value for name, value in parts.items() if name in pictures.COLOURS and value]
    if not shown:
        assert bar == ""
        return
    widths = [float(box.attrib["width"]) for box in boxes_of(bar)]
    assert len(widths) == len(shown)
    assert abs(sum(widths) - pictures.WIDTH) < 1
    assert len(bar) < 1_500


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_no_value_breaks_a_table(rows: list[list[str]]) -> None:
    lines = pictures.table(["a", "b"], rows).split("\n")
    assert len(lines) == len(rows) + 2
    for line in lines:
        assert line.replace("\\\\", "").replace("\\|", "").count("|") == 3


def test_a_partition_shows_version_evidence_and_figures() -> None:
    outcome = PartitionOutcome(DAY, "PUBLISHED", 120, figures={"cases": 120, "open": 70, "closed": 50, "breached": 4})
    shown = metadata.of_partition(outcome, OFFICIAL, "e" * 64)
    assert shown["dagster/row_count"] == dg.MetadataValue.int(120)
    assert shown["version"] == dg.MetadataValue.int(7)
    assert shown["casegold run"] == dg.MetadataValue.text("e" * 64)
    assert shown["admitted sequence"] == dg.MetadataValue.int(41)
    figures = shown["figures"].value
    assert isinstance(figures, str)
    assert len(boxes_of(figures.split("\n\n")[0])) == 2
    assert "| breached | 4 |" in figures


def test_a_check_shows_counts_and_a_capped_sample() -> None:
    sample = tuple({"case_id": f"c{number}"} for number in range(50))
    result = CheckOutcome("continuity", True, "FAILED", 50, "none gone", "50 gone", "", sample)
    shown = metadata.of_check(result)
    assert shown["failures"] == dg.MetadataValue.int(50)
    table = shown["sample"]
    assert isinstance(table, dg.TableMetadataValue)
    assert len(table.records) == metadata.MAX_SAMPLE


def test_inputs_and_files_of_a_report_are_shown() -> None:
    used = (UsedVersion("gold/case_daily_snapshot", date(2026, 2, 1), date(2026, 2, 28), 9),)
    inputs = metadata.of_inputs(used)["made of"].value
    assert isinstance(inputs, str)
    page = "/assets/gold/case_daily_snapshot?view=partitions&partition=2026-02-28"
    assert f"| [gold/case_daily_snapshot]({page}) | 2026-02-01 .. 2026-02-28 | 9 |" in inputs
    files = metadata.of_artifacts([Artifact("report.html", "text/html", "file:///lake/report.html", 9, "0" * 64)])
    assert files["report.html"] == dg.MetadataValue.path("/lake/report.html")
