"""Parses a contract file: ODCS 3.1 in YAML, strictly. Not here: the meaning of its parts (`contract`), file access."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from casegold.domain.columns import Column, ColumnType
from casegold.domain.contract import (
    TOLERABLE,
    CheckRule,
    DatasetContract,
    InputMapping,
    InputRef,
    PartitionedBy,
    Role,
    ServiceLevel,
    Signal,
    SourceSignal,
    Tolerance,
)
from casegold.domain.odcs_measure import measure_of
from casegold.domain.strict_yaml import Node, read_yaml

_REQUIRED = {"error": True, "warning": False}
_TOP = frozenset(
    {
        "apiVersion",
        "kind",
        "id",
        "name",
        "version",
        "status",
        "domain",
        "dataProduct",
        "description",
        "tags",
        "schema",
        "slaProperties",
        "roles",
        "team",
        "customProperties",
    }
)
_CUSTOM = frozenset(
    {
        "datasetId",
        "group",
        "kinds",
        "partitionedBy",
        "partitionColumn",
        "inputs",
        "transform",
        "sources",
        "firstDate",
        "maxFuture",
        "graceWindow",
        "maxPartitionsAutomatic",
        "secondApprovalPartitions",
        "consumers",
    }
)


def parse_contract(text: str, file: str) -> DatasetContract:
    """Parse a contract from its YAML text.

    Args:
        text: the file's content.
        file: its name, for messages only.

    Raises:
        ConfigurationError: with file, place and remedy, if it is not YAML, a field is missing or unknown, a value is
            unknown, or parts contradict each other.
    """
    root = read_yaml(text, file, with_lines=True)
    root.mapping(_TOP)
    _expect(root.get("kind"), "DataContract")
    _expect(root.get("apiVersion"), "v3.1.0")
    root.get("status").text()
    custom = _custom(root.get("customProperties"))
    table = root.get("schema").items()[0]
    columns = tuple(_column(node) for node in table.get("properties").items())
    contract = DatasetContract(
        dataset=custom.get("datasetId").text(),
        version=root.get("version").text(),
        digest=_digest(root),
        title=root.get("name").text(),
        description=root.get("description").get("purpose").text(),
        group=custom.get("group").text(),
        kinds=custom.get("kinds").texts(),
        tags=root.get("tags").texts(),
        owners=_owners(root.get("team")),
        columns=columns,
        key=_key(table.get("properties")),
        checks=_checks(table),
        partitioned_by=custom.get("partitionedBy").choice(PartitionedBy),
        partition_column=custom.get("partitionColumn").text() if "partitionColumn" in custom.value else None,
        inputs=tuple(_input(node) for node in custom.get("inputs").items()),
        transform=custom.get("transform").text(),
        sources=tuple(_source(node) for node in custom.get_or("sources", []).items()),
        first_date=custom.get("firstDate").day(),
        max_future=custom.get("maxFuture").duration(),
        grace_window=custom.get("graceWindow").duration(),
        max_partitions_automatic=custom.get_or("maxPartitionsAutomatic", 0).integer(),
        second_approval_partitions=(
            custom.get("secondApprovalPartitions").integer() if "secondApprovalPartitions" in custom.value else None
        ),
        roles=tuple(_role(node) for node in root.get("roles").items()),
        service_levels=tuple(_service_level(node) for node in root.get("slaProperties").items()),
        consumers=custom.get_or("consumers", []).texts(),
    )
    _check_whole(contract, root, table)
    return contract


def _digest(root: Node) -> str:
    """SHA-256 of the content; comments, layout and the order of fields do not change it."""
    return hashlib.sha256(json.dumps(root.value, sort_keys=True, default=str).encode()).hexdigest()


def _expect(node: Node, value: str) -> None:
    if node.value != value:
        raise node.refuse(f"is {node.value!r}", f"must be {value}")


def _custom(node: Node) -> Node:
    """The platform's own fields, which ODCS keeps as a list of property and value, as one mapping."""
    found: dict[str, Any] = {}
    for item in node.items():
        name = item.get("property").text()
        if name in found:
            raise item.refuse(f"{name!r} is given twice", "keep one")
        if name not in _CUSTOM:
            raise item.refuse(f"unknown property {name!r}", f"known: {', '.join(sorted(_CUSTOM))}")
        found[name] = item.value.get("value")
    return Node(found, node.file, node.path, node.whole)


def _column(node: Node) -> Column:
    written = node.get("physicalType")
    try:
        type_ = ColumnType.parse(written.text())
    except ValueError as error:
        raise written.refuse(
            f"{written.value!r} is unknown", "string, int, long, boolean, date, timestamptz, decimal(p,s)"
        ) from error
    _expect(node.get("logicalType"), type_.logical)
    options = node.get_or("logicalTypeOptions", {}).mapping()
    return Column(
        name=node.get("name").text(),
        type=type_,
        required=node.get_or("required", False).flag(),
        description=node.get("description").text(),
        values=_values(node),
        minimum=options.get("minimum"),
    )


def _values(node: Node) -> tuple[str, ...]:
    rules = [rule for rule in node.get_or("quality", []).items() if rule.mapping().get("metric") == "invalidValues"]
    return rules[0].get("arguments").get("validValues").texts() if rules else ()


def _key(properties: Node) -> tuple[str, ...]:
    parts = {
        node.get("primaryKeyPosition").integer(): node.get("name").text()
        for node in properties.items()
        if node.get_or("primaryKey", False).flag()
    }
    if sorted(parts) != list(range(1, len(parts) + 1)) or not parts:
        raise properties.refuse(
            "the primary key is not numbered 1, 2, ...", "give each key column its primaryKeyPosition"
        )
    return tuple(parts[position] for position in sorted(parts))


def _checks(table: Node) -> tuple[CheckRule, ...]:
    """The checks of the table, then those of its columns. The check `schema` covers a column's allowed values."""
    of_columns = [
        _check(rule, column.get("name").text())
        for column in table.get("properties").items()
        for rule in column.get_or("quality", []).items()
        if rule.mapping().get("metric") != "invalidValues"
    ]
    return (*(_check(node) for node in table.get_or("quality", []).items()), *of_columns)


def _check(node: Node, column: str | None = None) -> CheckRule:
    severity = node.get("severity")
    if severity.text() not in _REQUIRED:
        raise severity.refuse(f"{severity.value!r} is unknown", "error (required) or warning (advisory)")
    return CheckRule(
        name=node.get("name").text(),
        required=_REQUIRED[severity.text()],
        description=node.get("description").text(),
        tolerance=_tolerance(node),
        measure=measure_of(node, column),
    )


def _tolerance(node: Node) -> Tolerance | None:
    """`implementation: {check: NAME, tolerate: {facts: 3, reason: ...}}`, or `percent: 0.1` instead of `facts`."""
    implementation = node.get_or("implementation", "")
    if not isinstance(implementation.value, dict):
        return None
    implementation.mapping(frozenset({"check", "tolerate"}))
    check = implementation.get("check")
    name = node.get("name").text()
    if check.text() != name:
        raise check.refuse(f"{check.value!r} is not the check's name", f"write {name}")
    written = implementation.get("tolerate")
    written.mapping(frozenset({"facts", "percent", "reason"}))
    if name not in TOLERABLE:
        raise written.refuse(f"{name} cannot be tolerated", f"only {', '.join(sorted(TOLERABLE))} can")
    if ("facts" in written.value) == ("percent" in written.value):
        raise written.refuse("gives both or neither of facts and percent", "give one of them")
    facts, percent = None, None
    if "facts" in written.value:
        facts = written.get("facts").integer()
    else:
        percent = written.get("percent").decimal()
    if (facts if facts is not None else percent or 0) <= 0 or (percent or 0) >= 100:
        raise written.refuse("is not a limit", "give facts from 1, or a percent above 0 and below 100")
    return Tolerance(facts, percent, written.get("reason").text())


def _owners(node: Node) -> tuple[str, ...]:
    people = [member.get("username").text() for member in node.get_or("members", []).items()]
    return (f"team:{node.get('name').text()}", *people)


def _input(node: Node) -> InputRef:
    node.mapping(frozenset({"dataset", "mapping"}))
    return InputRef(node.get("dataset").text(), node.get("mapping").choice(InputMapping))


def _source(node: Node) -> SourceSignal:
    node.mapping(frozenset({"source", "signal", "required"}))
    return SourceSignal(node.get("source").text(), node.get("signal").choice(Signal), node.get("required").flag())


def _role(node: Node) -> Role:
    return Role(
        name=node.get("role").text(),
        access=node.get("access").text(),
        description=node.get("description").text(),
        first_level_approvers=node.get("firstLevelApprovers").names() if "firstLevelApprovers" in node.value else (),
        second_level_approvers=node.get("secondLevelApprovers").names() if "secondLevelApprovers" in node.value else (),
    )


def _service_level(node: Node) -> ServiceLevel:
    return ServiceLevel(node.get("property").text(), str(node.get("value").value), str(node.get_or("unit", "").value))


def _check_whole(contract: DatasetContract, root: Node, table: Node) -> None:
    """Check the rules that span several parts of the contract."""
    properties = table.get("properties")
    for what, names in (
        ("column", [column.name for column in contract.columns]),
        ("check", [check.name for check in contract.checks]),
        ("source", [source.source for source in contract.sources]),
    ):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise table.refuse(f"the {what} {twice[0]!r} is given twice", "keep one")
    for name in contract.key:
        if not contract.column(name).required:
            raise properties.refuse(f"the key column {name!r} may be null", "add `required: true`")
    if (contract.partitioned_by is PartitionedBy.NONE) != (contract.partition_column is None):
        raise root.refuse("partitionedBy and partitionColumn contradict each other", "give both, or `none` alone")
    if bool(contract.approvers(2)) != (contract.second_approval_partitions is not None):
        raise root.refuse(
            "secondLevelApprovers and secondApprovalPartitions contradict each other", "give both or neither"
        )
    if contract.partition_column is not None:
        columns = {column.name: column for column in contract.columns}
        column = columns.get(contract.partition_column)
        if column is None or str(column.type) != "date" or not column.required:
            raise root.refuse(
                f"partitionColumn {contract.partition_column!r} is not a required date column", "name one"
            )
