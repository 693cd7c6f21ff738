"""CSV and page: exact, self-contained, unharmed by hostile texts, readable by all."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.domain.calendar import days, month_end
from casegold.domain.csv_text import safe_cell
from casegold.transform.evidence import InputVersion, ReportEvidence, version_ranges
from products.enforcement_report.build import REPORT_SCHEMA
from products.enforcement_report.csv_file import render_csv
from products.enforcement_report.figures import DIMENSIONS
from products.enforcement_report.page import render_html
from tests.report.register import EVE, MONTH, Case, build

NEW = date(2026, 2, 10)
SNAPSHOTS = tuple(
    InputVersion("gold/case_daily_snapshot", day, 391 if day < NEW else 402, "PASSED")
    for day in days(EVE, month_end(MONTH))
)
EVIDENCE = ReportEvidence(
    dataset="reports/enforcement_report",
    version=7,
    month=MONTH,
    quality="PASSED",
    publication="OFFICIAL",
    mode="NORMAL",
    run_id="ab" * 32,
    attempt=2,
    transform_version="enforcement-report 1.0.0",
    contract_version="1.0.0",
    time_zone="Europe/Amsterdam",
    created_at=datetime(2026, 3, 2, 4, tzinfo=UTC),
    inputs=SNAPSHOTS,
)
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></svg><b>",
    "]]>--><!--",
    'a\r\nb,c"d',
    "\u202egnp.exe",
]


def report(*names: str) -> pa.Table:
    cases = [
        Case(f"C-{n}", NEW, [(NEW, "decide", (Decimal("1234.50"), "EUR", 9)), (NEW, "team", name)], name, name)
        for n, name in enumerate(names)
    ]
    return build([row for case in cases for row in case.rows()])


class Page(HTMLParser):
    """Checks nesting while parsing and collects tags, attributes and texts."""

    VOID = frozenset({"meta", "line", "rect", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.tags if found == tag]


def test_the_page_needs_nothing_from_anywhere_and_runs_nothing() -> None:
    text = render_html(report("FRAUD"), EVIDENCE)
    page = Page(text)
    assert [script["type"] for script in page.all("script")] == ["application/json"]
    assert not {"link", "img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?:|//[a-z]|url\(|@import|\bsrc=|\bhref=", text)
    assert "default-src 'none'" in text


def test_hostile_texts_stay_texts() -> None:
    marked = replace(
        EVIDENCE,
        transform_version=HOSTILE[0],
        time_zone=HOSTILE[1],
        waived_checks=(HOSTILE[2],),
        quality="WAIVED",
        inputs=(InputVersion(HOSTILE[0], MONTH, 1, HOSTILE[3]),),
    )
    waived = replace(EVIDENCE, quality="WAIVED")
    plain = {tag for tag, _ in Page(render_html(report("FRAUD"), waived)).tags}
    text = render_html(report(*HOSTILE), marked)
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= plain
    assert all(name.startswith("aria-") or not name.startswith("on") for _, found in page.tags for name in found)
    assert HOSTILE[0] in page.texts
    assert "\\u202egnp.exe" in page.texts, "a name that reads exe.png otherwise"
    data = re.search(r'id="evidence">(.*?)</script>', text)
    assert data
    assert not set("<>&") & set(data[1])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_any_name_gives_a_well_formed_page_and_a_harmless_csv(names: list[str]) -> None:
    rows = [(MONTH, "CASE_TYPE", name, "OPENED", "cases", Decimal(1)) for name in dict.fromkeys(names)]
    table = pa.Table.from_pylist([dict(zip(REPORT_SCHEMA.names, r, strict=True)) for r in rows], REPORT_SCHEMA)
    Page(render_html(table, EVIDENCE).replace("\0", ""))
    read = list(csv.reader(io.StringIO(render_csv(table).decode(), newline="")))
    assert sorted(row[2] for row in read[1:]) == sorted(safe_cell(name) for name in dict.fromkeys(names))


def test_every_figure_is_on_the_page_and_so_is_its_total() -> None:
    page = Page(render_html(report("FRAUD", "TAX"), EVIDENCE))
    assert "2,469.00" in page.texts
    assert page.texts.count("1,234.50") == 6
    assert "2 cases were open at the end of the month, 2 more than at its start. " in "".join(page.texts)


def test_each_chart_is_described_and_has_a_table() -> None:
    page = Page(render_html(report("FRAUD"), EVIDENCE))
    charts = page.all("svg")
    assert len(charts) == 1 + len(DIMENSIONS)
    ids = {attributes.get("id") for _, attributes in page.tags}
    for chart in charts:
        assert chart["role"] == "img"
        assert set(str(chart["aria-labelledby"]).split()) <= ids
    assert len(page.all("table")) >= len(charts)
    assert page.all("html") == [{"lang": "en"}]
    assert all("scope" in cell for cell in page.all("th"))
    heads = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert heads[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(heads))


def test_the_evidence_is_printed_and_stands_in_the_file_as_data() -> None:
    text = render_html(report("FRAUD"), EVIDENCE)
    found = re.search(r'<script type="application/json" id="evidence">(.*)</script>', text)
    assert found
    data = json.loads(found[1])
    assert data == EVIDENCE.as_data()
    assert len(data["inputs"]) == 29
    words = " ".join(Page(text).texts)
    for told in ("ab" * 32, "Version 7", "OFFICIAL", "Quality PASSED", "enforcement-report 1.0.0", "391", "402"):
        assert told in words


def test_a_waiver_anywhere_is_said_at_the_top() -> None:
    assert "Published under a waiver" not in render_html(report("FRAUD"), EVIDENCE)
    own = replace(EVIDENCE, quality="WAIVED", waived_checks=("consistency",))
    assert "Waived here: consistency." in render_html(report("FRAUD"), own)
    inherited = replace(EVIDENCE, inputs=(replace(SNAPSHOTS[0], quality="WAIVED"), *SNAPSHOTS[1:]))
    assert "The waivers concern its inputs." in render_html(report("FRAUD"), inherited)


def test_an_empty_register_has_a_page() -> None:
    assert "None were imposed." in render_html(build([]), replace(EVIDENCE, version=None))


def test_many_groups_are_all_in_the_table_but_not_all_drawn() -> None:
    page = Page(render_html(report(*(f"type {n:02}" for n in range(40))), EVIDENCE))
    assert "The 12 groups with most open cases; 28 more are in the table." in page.texts
    assert "type 39" in page.texts


def test_versions_of_following_days_are_told_in_one_line() -> None:
    told = version_ranges(tuple(reversed(SNAPSHOTS)))
    name = "gold/case_daily_snapshot"
    assert told == [(name, EVE, date(2026, 2, 9), 391, "PASSED"), (name, NEW, date(2026, 2, 28), 402, "PASSED")]
    gap = (SNAPSHOTS[0], SNAPSHOTS[2])
    assert len(version_ranges(gap)) == 2


def test_the_csv_is_rfc_4180_and_exact() -> None:
    data = render_csv(report("a,b", 'say "x"', "two\r\nlines"))
    assert data.startswith(b"report_month,dimension,dimension_value,measure,unit,value\r\n")
    assert b'\r\n2026-02-01,CASE_TYPE,"say ""x""",PENALTIES,EUR,1234.50\r\n' in data
    assert b"2026-02-01,TOTAL,,OPENED,cases,3\r\n" in data
    assert data.endswith(b"\r\n")
    assert len({len(row) for row in csv.reader(io.StringIO(data.decode(), newline=""))}) == 1


def test_a_figure_without_value_is_empty() -> None:
    assert b"2026-02-01,TOTAL,,MEDIAN_DAYS_TO_DECISION,days,\r\n" in render_csv(build([]))


def test_same_figures_same_bytes() -> None:
    table = report("FRAUD", "TAX")
    shuffled = table.take(list(reversed(range(table.num_rows))))
    assert render_csv(table) == render_csv(shuffled)
    assert render_html(table, EVIDENCE) == render_html(shuffled, EVIDENCE)


def _palettes() -> Iterator[dict[str, str]]:
    style = files("casegold.transform").joinpath("page.css").read_text(encoding="utf-8")
    light, dark, _ = (
        dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    yield light
    yield light | dark


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        ("ink", "surface", 7.0),
        ("muted", "surface", 4.5),
        ("muted", "ground", 4.5),
        ("band-ink", "band", 7.0),
        ("band-muted", "band", 4.5),
        ("good", "good-ground", 4.5),
        ("warn", "warn-ground", 4.5),
        ("ink", "plain-ground", 4.5),
        ("main", "surface", 3.0),
        ("in", "surface", 3.0),
        ("out", "surface", 3.0),
        ("mark", "surface", 3.0),
    ],
)
def test_contrast_suffices_in_light_and_dark(ink: str, ground: str, least: float) -> None:
    for palette in _palettes():
        dark, bright = sorted((_luminance(palette[ink]), _luminance(palette[ground])))
        assert (bright + 0.05) / (dark + 0.05) >= least
