"""The contract file: ODCS 3.1 in YAML, read strictly. Not here: what the parts mean (`contract`), file access."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from casegold.domain.columns import Column, ColumnType
from casegold.domain.contract import (
    CheckRule,
    DatasetContract,
    InputMapping,
    InputRef,
    PartitionedBy,
    Role,
    ServiceLevel,
    Signal,
    SourceSignal,
)
from casegold.domain.errors import ConfigurationError

E = TypeVar("E", bound=StrEnum)
_REQUIRED = {"error": True, "warning": False}
_DAYS = re.compile(r"P(\d{1,5})D")
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
    }
)


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key given twice, of which plain YAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True, slots=True)
class _Node:
    """A value of the file and where it stands, so that every refusal can name its place."""

    value: Any
    file: str
    path: str

    def refuse(self, problem: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(f"{self.file}: {self.path or 'the file'}: {problem}", remedy=remedy)

    def mapping(self, allowed: frozenset[str] | None = None) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.refuse("is not a mapping", "write `name: value` lines below it")
        for name in self.value:
            if allowed is not None and name not in allowed:
                raise self.refuse(f"unknown field {name!r}", f"known fields: {', '.join(sorted(allowed))}")
        return self.value

    def get(self, name: str) -> _Node:
        if self.mapping().get(name) is None:
            raise self.refuse(f"the field {name!r} is missing", f"add {name!r}")
        return _Node(self.value[name], self.file, f"{self.path}.{name}" if self.path else name)

    def get_or(self, name: str, default: Any) -> _Node:
        return (
            self.get(name) if self.mapping().get(name) is not None else _Node(default, self.file, f"{self.path}.{name}")
        )

    def items(self) -> list[_Node]:
        if not isinstance(self.value, list):
            raise self.refuse("is not a list", "write one `- ` line for each entry")
        return [_Node(item, self.file, f"{self.path}[{index}]") for index, item in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.refuse(
                f"{self.value!r} is not text", "give a non-empty text, in quotes if it looks like a number"
            )
        return self.value.strip()

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self.items())

    def names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.text().split(","))

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.refuse(f"{self.value!r} is not a whole number", "give a whole number")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.refuse(f"{self.value!r} is neither true nor false", "give true or false")
        return self.value

    def day(self) -> date:
        # YAML reads 2000-01-01 as a date by itself; a timestamp, which is a date too, would be a mistake.
        if type(self.value) is not date:
            raise self.refuse(f"{self.value!r} is not a date", "give a date as YYYY-MM-DD, without quotes")
        return self.value

    def duration(self) -> timedelta:
        match = _DAYS.fullmatch(self.text())
        if match is None:
            raise self.refuse(f"{self.value!r} is not a number of days", "give whole days as P7D")
        return timedelta(days=int(match[1]))

    def choice(self, kind: type[E]) -> E:
        if self.value not in [member.value for member in kind]:
            raise self.refuse(f"{self.value!r} is unknown", f"one of {', '.join(member.value for member in kind)}")
        return kind(self.value)


def parse_contract(text: str, file: str) -> DatasetContract:
    """A contract from its YAML text.

    Args:
        text: the file's content.
        file: its name, for messages only.

    Raises:
        ConfigurationError: naming file, place and remedy: not YAML, a missing or unknown field, an unknown value,
            or parts that contradict each other.
    """
    try:
        # The loader is a SafeLoader: it builds plain values only.
        loaded = yaml.load(text, Loader=_StrictLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file} is not valid YAML: {error}", remedy="correct the file") from error
    root = _Node(loaded, file, "")
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
        digest=hashlib.sha256(text.encode()).hexdigest(),
        title=root.get("name").text(),
        description=root.get("description").get("purpose").text(),
        group=custom.get("group").text(),
        kinds=custom.get("kinds").texts(),
        tags=root.get("tags").texts(),
        owners=_owners(root.get("team")),
        columns=columns,
        key=_key(table.get("properties")),
        checks=tuple(_check(node) for node in table.get_or("quality", []).items()),
        partitioned_by=custom.get("partitionedBy").choice(PartitionedBy),
        partition_column=custom.get("partitionColumn").text() if "partitionColumn" in custom.value else None,
        inputs=tuple(_input(node) for node in custom.get("inputs").items()),
        transform=custom.get("transform").text(),
        sources=tuple(_source(node) for node in custom.get_or("sources", []).items()),
        first_date=custom.get("firstDate").day(),
        max_future=custom.get("maxFuture").duration(),
        grace_window=custom.get("graceWindow").duration(),
        max_partitions_automatic=custom.get_or("maxPartitionsAutomatic", 0).integer(),
        roles=tuple(_role(node) for node in root.get("roles").items()),
        service_levels=tuple(_service_level(node) for node in root.get("slaProperties").items()),
    )
    _check_whole(contract, root, table)
    return contract


def _expect(node: _Node, value: str) -> None:
    if node.value != value:
        raise node.refuse(f"is {node.value!r}", f"must be {value}")


def _custom(node: _Node) -> _Node:
    """The platform's own fields, which ODCS keeps as a list of property and value, as one mapping."""
    found: dict[str, Any] = {}
    for item in node.items():
        name = item.get("property").text()
        if name in found:
            raise item.refuse(f"{name!r} is given twice", "keep one")
        if name not in _CUSTOM:
            raise item.refuse(f"unknown property {name!r}", f"known: {', '.join(sorted(_CUSTOM))}")
        found[name] = item.value.get("value")
    return _Node(found, node.file, node.path)


def _column(node: _Node) -> Column:
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


def _values(node: _Node) -> tuple[str, ...]:
    rules = [rule for rule in node.get_or("quality", []).items() if rule.mapping().get("metric") == "invalidValues"]
    return rules[0].get("arguments").get("validValues").texts() if rules else ()


def _key(properties: _Node) -> tuple[str, ...]:
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


def _check(node: _Node) -> CheckRule:
    severity = node.get("severity")
    if severity.text() not in _REQUIRED:
        raise severity.refuse(f"{severity.value!r} is unknown", "error (required) or warning (advisory)")
    return CheckRule(
        name=node.get("name").text(),
        required=_REQUIRED[severity.text()],
        description=node.get("description").text(),
    )


def _owners(node: _Node) -> tuple[str, ...]:
    people = [member.get("username").text() for member in node.get_or("members", []).items()]
    return (f"team:{node.get('name').text()}", *people)


def _input(node: _Node) -> InputRef:
    node.mapping(frozenset({"dataset", "mapping"}))
    return InputRef(node.get("dataset").text(), node.get("mapping").choice(InputMapping))


def _source(node: _Node) -> SourceSignal:
    node.mapping(frozenset({"source", "signal", "required"}))
    return SourceSignal(node.get("source").text(), node.get("signal").choice(Signal), node.get("required").flag())


def _role(node: _Node) -> Role:
    return Role(
        name=node.get("role").text(),
        access=node.get("access").text(),
        description=node.get("description").text(),
        first_level_approvers=node.get("firstLevelApprovers").names() if "firstLevelApprovers" in node.value else (),
        second_level_approvers=node.get("secondLevelApprovers").names() if "secondLevelApprovers" in node.value else (),
    )


def _service_level(node: _Node) -> ServiceLevel:
    return ServiceLevel(node.get("property").text(), str(node.get("value").value), str(node.get_or("unit", "").value))


def _check_whole(contract: DatasetContract, root: _Node, table: _Node) -> None:
    """What only the parts together can show."""
    properties = table.get("properties")
    for what, names in (
        ("column", [column.name for column in contract.columns]),
        ("check", [check.name for check in contract.checks]),
    ):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise table.refuse(f"the {what} {twice[0]!r} is given twice", "keep one")
    for name in contract.key:
        if not contract.column(name).required:
            raise properties.refuse(f"the key column {name!r} may be null", "add `required: true`")
    if (contract.partitioned_by is PartitionedBy.NONE) != (contract.partition_column is None):
        raise root.refuse("partitionedBy and partitionColumn contradict each other", "give both, or `none` alone")
    if contract.partition_column is not None:
        columns = {column.name: column for column in contract.columns}
        column = columns.get(contract.partition_column)
        if column is None or str(column.type) != "date" or not column.required:
            raise root.refuse(
                f"partitionColumn {contract.partition_column!r} is not a required date column", "name one"
            )
