"""The contract files are ODCS 3.1, and a wrong one is refused with file, place and remedy."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from jsonschema import Draft201909Validator

from casegold.domain.contract import Contracts, InputMapping, InputRef, Signal, SourceSignal, Tolerance
from casegold.domain.errors import ConfigurationError
from casegold.domain.events import PAYLOADS, EventType, ReplacementData
from casegold.domain.odcs import parse_contract
from casegold.runtime.contracts import load_contracts
from casegold.runtime.shipped import PRODUCTS
from casegold.transform.silver import RENAMED
from products.breach_metrics.build import METRICS_SCHEMA
from products.case_daily_snapshot.schema import SNAPSHOT_SCHEMA
from products.enforcement_report.build import REPORT_SCHEMA
from products.enforcement_report.figures import DIMENSIONS, MEASURES
from tests.quality.rows import CONTRACTS, METRICS, REPORT, SNAPSHOT

SILVER = CONTRACTS["silver/case_events"]
DIRECTORY = Path(__file__).parents[2] / "contracts" / "datasets"
FILES = [*sorted(DIRECTORY.glob("*.yaml")), *sorted(PRODUCTS.glob("*/contract.yaml"))]
TEXT = (PRODUCTS / "case_daily_snapshot" / "contract.yaml").read_text(encoding="utf-8")


class _Texts(yaml.SafeLoader):
    """Leaves dates as they are written, as JSON would."""


_Texts.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_contract_is_valid_odcs(path: Path) -> None:
    assert odcs_errors(path.read_text(encoding="utf-8")) == []


def odcs_errors(text: str) -> list[str]:
    """What the standard's own JSON Schema finds wrong."""
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))
    written = yaml.load(text, Loader=_Texts)  # noqa: S506
    return [error.message for error in Draft201909Validator(schema).iter_errors(written)]


def test_the_snapshots_promises() -> None:
    assert SNAPSHOT.table == "gold.case_daily_snapshot"
    assert SNAPSHOT.key == ("snapshot_date", "case_id")
    assert SNAPSHOT.column("status").values == ("OPEN", "ESCALATED", "DECIDED", "CLOSED")
    assert SNAPSHOT.grace_window == timedelta(days=7)
    assert SNAPSHOT.sources == (SourceSignal("urn:regulator:case-system", Signal.CONTROL_TOTALS, required=True),)
    assert {"schema", "unique_key", "completeness", "continuity", "consistency"} <= set(SNAPSHOT.required_checks())
    assert "clock_has_allowance" not in SNAPSHOT.required_checks()
    operator = next(role for role in SNAPSHOT.roles if role.access == "write")
    assert operator.first_level_approvers
    assert operator.second_level_approvers


def test_the_arrow_schema_follows_the_columns() -> None:
    schema = SNAPSHOT.arrow_schema()
    assert schema.field("penalty_amount") == pa.field("penalty_amount", pa.decimal128(18, 2))
    assert schema.field("opened_at") == pa.field("opened_at", pa.timestamp("us", tz="UTC"), nullable=False)


def test_what_transforms_make_is_what_the_contracts_promise() -> None:
    for contract, made in ((SNAPSHOT, SNAPSHOT_SCHEMA), (REPORT, REPORT_SCHEMA), (METRICS, METRICS_SCHEMA)):
        assert [(f.name, f.type) for f in contract.arrow_schema()] == [(f.name, f.type) for f in made]


def test_every_field_of_an_event_has_a_column_in_silver() -> None:
    """A field without one would be dropped without a word."""
    apart = {"action": "correction_action", "replacement": "replacement_occurred_at"} | RENAMED
    fields = {name for payload in PAYLOADS.values() for name in payload.__struct_fields__}
    assert {apart.get(name, name) for name in fields} <= {column.name for column in SILVER.columns}


def test_a_replacement_may_have_every_field_of_the_event_that_it_replaces() -> None:
    replaceable = [payload for kind, payload in PAYLOADS.items() if kind != EventType.CASE_CORRECTED]
    fields = {name for payload in replaceable for name in payload.__struct_fields__}
    assert set(ReplacementData.__struct_fields__) == fields


def test_dimensions_and_measures_of_the_report_are_those_of_its_contract() -> None:
    assert set(REPORT.column("dimension").values) == {"TOTAL", *DIMENSIONS}
    assert set(REPORT.column("measure").values) == {*MEASURES, "PENALTIES"}


def test_event_types_are_those_of_the_domain() -> None:
    every = [kind.value for kind in EventType]
    assert list(CONTRACTS["silver/case_events"].column("event_type").values) == every
    assert list(CONTRACTS["bronze/control_totals"].column("event_type").values) == every
    assert set(SNAPSHOT.column("last_event_type").values) == set(every) - {EventType.CASE_CORRECTED}


def test_periods_and_their_inputs() -> None:
    march = date(2026, 3, 1)
    whole, eve = REPORT.inputs
    assert REPORT.period(march) == (march, date(2026, 3, 31))
    assert len(REPORT.input_partitions(whole, march)) == 31
    assert REPORT.input_partitions(eve, march) == (date(2026, 2, 28),)
    april = date(2026, 4, 1)
    whole, eve = METRICS.inputs
    assert METRICS.period(april) == (april, date(2026, 6, 30))
    assert len(METRICS.input_partitions(whole, april)) == 91
    assert METRICS.input_partitions(eve, april) == (date(2026, 3, 31),)
    assert METRICS.partition_of(date(2026, 6, 30)) == april
    assert SNAPSHOT.input_partitions(SNAPSHOT.inputs[0], march) == ()
    with pytest.raises(ConfigurationError, match="no partition 2026-03-02"):
        REPORT.period(date(2026, 3, 2))


def test_contracts_know_their_order_and_what_lies_downstream() -> None:
    order = [contract.dataset for contract in CONTRACTS.in_order()]
    assert order.index("silver/case_events") < order.index("gold/case_daily_snapshot") < order.index(REPORT.dataset)
    downstream = [contract.dataset for contract in CONTRACTS.downstream_of("silver/case_events")]
    assert downstream[0] == "gold/case_daily_snapshot"
    assert sorted(downstream[1:]) == ["gold/breach_metrics", "reports/enforcement_report"]
    assert CONTRACTS.downstream_of(REPORT.dataset) == ()
    with pytest.raises(ConfigurationError, match="no contract describes gold/nothing"):
        CONTRACTS["gold/nothing"]


def test_contracts_that_contradict_each_other_are_refused() -> None:
    others = [c for c in CONTRACTS if c.dataset not in (SNAPSHOT.dataset, REPORT.dataset, METRICS.dataset)]
    circle = replace(SNAPSHOT, inputs=(*SNAPSHOT.inputs, InputRef(REPORT.dataset, InputMapping.SAME)))
    for wrong, message in (
        ([*others, circle, REPORT], "in a cycle"),
        ([*others, SNAPSHOT, SNAPSHOT], "two contracts"),
        ([SNAPSHOT], "which no contract describes"),
        ([*others, SNAPSHOT, replace(REPORT, grace_window=timedelta(days=3))], "disagree on grace_window"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            Contracts(wrong)


@pytest.mark.parametrize(
    ("old", "new", "place", "problem"),
    [
        ("apiVersion: v3.1.0", "apiVersion: v2.2.0", "apiVersion", "'v2.2.0'"),
        (f"version: {SNAPSHOT.version}", "version: 1.0", "version", "1.0 is not text"),
        ("status: active", "statsu: active", "the file", "unknown field 'statsu'"),
        ("status: active\n", "", "the file", "'status' is missing"),
        ("physicalType: date\n", "physicalType: time\n", "schema[0].properties[0].physicalType", "'time'"),
        ("physicalType: long\n", "physicalType: decimal\n", "physicalType", "'decimal'"),
        ("decimal(18,2)", "decimal(2,18)", "physicalType", "decimal(2,18)"),
        ("logicalType: date\n", "logicalType: string\n", "schema[0].properties[0].logicalType", "'string'"),
        ("severity: warning", "severity: info", "severity", "'info'"),
        ("name: continuity", "name: schema", "schema[0]", "'schema' is given twice"),
        ("- name: case_id", "- name: snapshot_date", "schema[0]", "'snapshot_date' is given twice"),
        ("primaryKeyPosition: 2", "primaryKeyPosition: 3", "schema[0].properties", "not numbered"),
        ("value: day", "value: week", "customProperties.partitionedBy", "'week'"),
        ("value: snapshot_date", "value: case_id", "the file", "'case_id' is not a required date column"),
        ("mapping: sequence", "mapping: everything", "customProperties.inputs[0].mapping", "'everything'"),
        ("signal: controlTotals", "signal: hope", "customProperties.sources[0].signal", "'hope'"),
        ("required: true }", 'required: "yes" }', "customProperties.sources[0].required", "'yes'"),
        ("value: P7D", "value: P1W", "customProperties.graceWindow", "'P1W'"),
        ("value: 2000-01-01", "value: 2000-01-01T00:00:00", "customProperties.firstDate", "is not a date"),
        ("value: 400", "value: many", "customProperties.maxPartitionsAutomatic", "'many'"),
        ("property: group", "property: gruop", "customProperties[1]", "'gruop'"),
        ("property: kinds", "property: group", "customProperties[2]", "'group' is given twice"),
        ("kind: DataContract", "kind: DataContract\nkind: DataContract", "", "'kind' is given twice"),
        ("kind: DataContract", "kind: [", "", "not valid YAML"),
    ],
)
def test_a_wrong_contract_is_refused_with_its_place(old: str, new: str, place: str, problem: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigurationError) as refusal:
        parse_contract(TEXT.replace(old, new, 1), "wrong.yaml")
    assert refusal.value.message.startswith("wrong.yaml")
    assert place in refusal.value.message
    assert problem in refusal.value.message
    assert refusal.value.remedy


def tolerating(limit: str, check: str = "no_rejected_facts", name: str | None = None) -> str:
    """The snapshot's contract with a tolerance of one check."""
    written = f"implementation: {{check: {name or check}, tolerate: {{{limit}}}}}"
    assert f"implementation: {check}\n" in TEXT
    return TEXT.replace(f"implementation: {check}\n", f"{written}\n", 1)


def test_a_contract_may_tolerate_a_number_or_a_share_with_a_reason() -> None:
    some = parse_contract(tolerating("facts: 3, reason: a known gap"), "x.yaml").check("no_rejected_facts").tolerance
    assert some == Tolerance(3, None, "a known gap")
    share = parse_contract(tolerating("percent: 0.1, reason: agreed", "no_open_conflicts"), "x.yaml")
    assert share.check("no_open_conflicts").tolerance == Tolerance(None, Decimal("0.1"), "agreed")
    assert share.check("no_rejected_facts").tolerance is None
    assert share.digest != SNAPSHOT.digest, "a version tells under which rule it was made"
    assert odcs_errors(tolerating("facts: 3, reason: a known gap")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (tolerating("facts: 3"), "'reason' is missing"),
        (tolerating("reason: x"), "both or neither"),
        (tolerating("facts: 1, percent: 1, reason: x"), "both or neither"),
        (tolerating("facts: 0, reason: x"), "is not a limit"),
        (tolerating("facts: -1, reason: x"), "is not a limit"),
        (tolerating("percent: 100, reason: x"), "is not a limit"),
        (tolerating("percent: .nan, reason: x"), "tolerate.percent"),
        (tolerating("facts: 1.5, reason: x"), "tolerate.facts"),
        (tolerating("rows: 1, reason: x"), "unknown field 'rows'"),
        (tolerating("facts: 1, reason: x", "completeness"), "completeness cannot be tolerated"),
        (tolerating("facts: 1, reason: x", "no_rejected_facts", "no_open_conflicts"), "is not the check's name"),
    ],
)
def test_a_wrong_tolerance_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_contract(text, "wrong.yaml")
    assert "implementation" in refusal.value.message
    assert problem in refusal.value.message
    assert refusal.value.remedy


def test_a_source_is_named_once() -> None:
    line = '- { source: "urn:regulator:case-system", signal: controlTotals, required: true }'
    assert line in TEXT
    with pytest.raises(ConfigurationError, match="given twice"):
        parse_contract(TEXT.replace(line, f"{line}\n      {line}", 1), "wrong.yaml")


def test_a_directory_without_contracts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no contracts in"):
        load_contracts(tmp_path)


def test_the_digest_is_of_the_content_not_of_comments() -> None:
    assert parse_contract(TEXT + "\n# a remark\n", "x.yaml") == SNAPSHOT
    changed = parse_contract(TEXT.replace("value: P7D", "value: P8D"), "x.yaml")
    assert changed.digest != SNAPSHOT.digest


def test_an_installation_may_begin_later_for_all_datasets() -> None:
    first = date(2026, 1, 1)
    assert {contract.first_date for contract in load_contracts(DIRECTORY, first_date=first)} == {first}


def test_published_datasets_name_a_versioned_transform() -> None:
    assert SNAPSHOT.transform == "snapshot"
    assert REPORT.transform == "report"
    assert METRICS.transform == "breach_metrics"
