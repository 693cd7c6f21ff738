"""Data contracts: columns, checks, partitions, inputs and owners of a dataset, and how datasets depend on each other.

Not here: the file format (`odcs`), reading directories (`runtime.contracts`), evaluating checks (`quality`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any

from casegold.domain.calendar import days, month_end
from casegold.domain.columns import Column
from casegold.domain.errors import ConfigurationError
from casegold.domain.measure import Measure


class PartitionedBy(StrEnum):
    """The period of one partition. Its key is the first date of the period."""

    NONE = "none"
    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"


class InputMapping(StrEnum):
    """Which partitions of an input a partition is computed from."""

    SEQUENCE = "sequence"
    """No partitions: everything known at the pinned sequence number."""
    SAME = "same"
    DAYS_OF_PERIOD = "daysOfPeriod"
    DAY_BEFORE_PERIOD = "dayBeforePeriod"
    """The state at the period's start. It does not exist before the register's first day, and is not required there."""


class Signal(StrEnum):
    """How a source signals that it has sent everything for a date."""

    CONTROL_TOTALS = "controlTotals"
    WATERMARK = "watermark"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many failures of a check the contract accepts for a date, as a number or a share of facts, and why."""

    facts: int | None
    percent: Decimal | None
    """Percentage of all facts of the date: those in the figures and those that are not."""
    reason: str

    def __str__(self) -> str:
        limit = f"{self.facts} facts" if self.percent is None else f"{self.percent} percent of the facts"
        return f"up to {limit}: {self.reason}"

    def allows(self, failures: int, facts: int) -> bool:
        """Whether `failures` out of `facts` are within the tolerance."""
        if self.percent is None:
            return failures <= (self.facts or 0)
        return failures * 100 <= self.percent * facts


TOLERABLE = frozenset({"no_rejected_facts", "no_open_conflicts"})
"""Checks that may have a tolerance: those that count facts known to be missing from the figures."""


@dataclass(frozen=True, slots=True)
class CheckRule:
    """A check by name. A required one closes the gate when it fails or has no result; an advisory one only reports."""

    name: str
    required: bool
    description: str
    tolerance: Tolerance | None = None
    measure: Measure | None = None
    """What the check measures, if the contract defines it; None: the platform or the product implements it by name."""


@dataclass(frozen=True, slots=True)
class InputRef:
    """A dataset that this one is computed from."""

    dataset: str
    mapping: InputMapping


@dataclass(frozen=True, slots=True)
class SourceSignal:
    """A source of events and the signal that a date waits for."""

    source: str
    signal: Signal
    required: bool


@dataclass(frozen=True, slots=True)
class Role:
    """What a role may do, and who has to approve it first. Names are database roles."""

    name: str
    access: str
    description: str
    first_level_approvers: tuple[str, ...]
    second_level_approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """A promise about the dataset's timeliness or retention, as text for people."""

    name: str
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class DatasetContract:
    """The contract of one dataset: everything the platform knows about it before it has seen a row."""

    dataset: str
    """The asset key with a slash, `gold/case_daily_snapshot`."""
    version: str
    digest: str
    """SHA-256 of the contract's content, hexadecimal: shows whether a version was computed under this contract."""
    title: str
    description: str
    group: str
    kinds: tuple[str, ...]
    tags: tuple[str, ...]
    owners: tuple[str, ...]
    """`team:<name>` first, then people by e-mail address."""
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The columns of the primary key, in key order."""
    checks: tuple[CheckRule, ...]
    partitioned_by: PartitionedBy
    partition_column: str | None
    """The DATE column that holds a row's partition; None for a dataset without partitions."""
    inputs: tuple[InputRef, ...]
    transform: str
    sources: tuple[SourceSignal, ...]
    """The allow list: facts and control totals from any other source never count."""
    first_date: date
    max_future: timedelta
    grace_window: timedelta
    max_partitions_automatic: int
    """How many published partitions one run may restate without approval. Partitions never published do not count."""
    second_approval_partitions: int | None
    """How many published partitions a backfill may change with first-level approval alone; None: no second level."""
    roles: tuple[Role, ...]
    service_levels: tuple[ServiceLevel, ...]
    consumers: tuple[str, ...]
    """Who has to be informed when its figures change: addresses or systems, for people to read."""

    @property
    def table(self) -> str:
        """The Iceberg identifier, `gold.case_daily_snapshot`."""
        return self.dataset.replace("/", ".")

    @property
    def reads_sequence(self) -> bool:
        """Whether it is computed from facts at a pinned sequence number, each partition from the one before it."""
        return any(ref.mapping is InputMapping.SEQUENCE for ref in self.inputs)

    @property
    def source_names(self) -> frozenset[str]:
        """The sources whose facts and control totals count."""
        return frozenset(each.source for each in self.sources)

    def check(self, name: str) -> CheckRule:
        """The check of that name. Raises KeyError."""
        for rule in self.checks:
            if rule.name == name:
                return rule
        raise KeyError(f"{self.dataset} has no check {name}")

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.dataset} has no column {name}")

    def arrow_schema(self) -> Any:
        """The columns as a `pyarrow.Schema`, in contract order."""
        import pyarrow as pa  # noqa: PLC0415 - a contract is read without it

        return pa.schema([pa.field(c.name, c.type.arrow, nullable=not c.required) for c in self.columns])

    def required_checks(self) -> tuple[str, ...]:
        """Names of the checks that close the gate."""
        return tuple(check.name for check in self.checks if check.required)

    def requesters(self) -> tuple[str, ...]:
        """Roles whose members may request backfills and waivers: those with write access."""
        return tuple(role.name for role in self.roles if role.access == "write")

    def approvers(self, level: int) -> tuple[str, ...]:
        """Roles whose members approve, at level 1 or 2, what the requesters request."""
        named = [
            name
            for role in self.roles
            if role.access == "write"
            for name in (role.first_level_approvers if level == 1 else role.second_level_approvers)
        ]
        return tuple(dict.fromkeys(named))

    def period(self, partition: date) -> tuple[date, date]:
        """First and last date of a partition.

        Raises:
            ConfigurationError: the dataset has no partitions, or `partition` is not the first date of one.
        """
        last = {
            PartitionedBy.DAY: partition,
            PartitionedBy.MONTH: month_end(partition),
            PartitionedBy.QUARTER: month_end(month_end(month_end(partition) + timedelta(1)) + timedelta(1)),
        }.get(self.partitioned_by)
        if last is None or partition != self.partition_of(partition):
            raise ConfigurationError(
                f"{self.dataset} has no partition {partition}",
                remedy=f"it is partitioned by {self.partitioned_by}; name the first date of a {self.partitioned_by}",
            )
        return partition, last

    def partition_of(self, day: date) -> date:
        """The partition that contains a date."""
        match self.partitioned_by:
            case PartitionedBy.MONTH:
                return day.replace(day=1)
            case PartitionedBy.QUARTER:
                return day.replace(month=day.month - (day.month - 1) % 3, day=1)
            case _:
                return day

    def partitions_between(self, first: date, last: date) -> list[date]:
        """The partitions from `first` to `last`, both included, ascending."""
        keys, key = [], first
        while key <= last:
            keys.append(key)
            key = self.period(key)[1] + timedelta(days=1)
        return keys

    def input_partitions(self, ref: InputRef, partition: date) -> tuple[date, ...]:
        """The input's partitions that `partition` is computed from; none for an input read at a sequence number."""
        first, last = self.period(partition)
        match ref.mapping:
            case InputMapping.SEQUENCE:
                return ()
            case InputMapping.SAME:
                return (partition,)
            case InputMapping.DAYS_OF_PERIOD:
                return tuple(days(first, last))
            case InputMapping.DAY_BEFORE_PERIOD:
                return (first - timedelta(days=1),)


SHADOW_LAYER = "shadow"


def shadow_of(dataset: str) -> str:
    """The table that holds shadow figures of a dataset, apart from the official ones."""
    return f"{SHADOW_LAYER}/{dataset.partition('/')[2]}"


class Contracts:
    """All contracts of an installation, checked against each other."""

    def __init__(self, contracts: Iterable[DatasetContract]) -> None:
        """Check the contracts against each other.

        Raises:
            ConfigurationError: a dataset is described twice, an input is unknown, inputs form a cycle, or the rules
                contradict those of an input.
        """
        self._by_id: dict[str, DatasetContract] = {}
        for contract in contracts:
            if contract.dataset in self._by_id:
                raise ConfigurationError(
                    f"two contracts describe {contract.dataset}", remedy="keep one file for each dataset"
                )
            self._by_id[contract.dataset] = contract
        self._by_shadow = self._shadows()
        for contract in self:
            self._check_inputs(contract)
        self._order = self._sorted()

    def __iter__(self) -> Iterator[DatasetContract]:
        return iter(self._by_id.values())

    def __contains__(self, dataset: str) -> bool:
        return dataset in self._by_id

    def __getitem__(self, dataset: str) -> DatasetContract:
        """The contract of a dataset. Raises ConfigurationError when there is none."""
        if dataset not in self._by_id:
            raise ConfigurationError(
                f"no contract describes {dataset}",
                remedy=f"known datasets: {', '.join(sorted(self._by_id))}; your own are those of CASEGOLD_PRODUCTS_DIR",
            )
        return self._by_id[dataset]

    def of_table(self, table: str) -> DatasetContract:
        """The contract that a table follows; for a shadow, that of its dataset. Raises ConfigurationError."""
        shadowed = self._by_shadow.get(table)
        return self[table] if shadowed is None else shadowed

    def in_order(self) -> tuple[DatasetContract, ...]:
        """Every contract after all of its inputs."""
        return self._order

    def downstream_of(self, dataset: str) -> tuple[DatasetContract, ...]:
        """The datasets computed from it, directly or indirectly, each after its inputs."""
        reached = {self[dataset].dataset}
        found = []
        for contract in self._order:
            if any(ref.dataset in reached for ref in contract.inputs):
                reached.add(contract.dataset)
                found.append(contract)
        return tuple(found)

    def _shadows(self) -> dict[str, DatasetContract]:
        found: dict[str, DatasetContract] = {}
        for contract in self:
            if not contract.inputs or contract.partition_column is None:
                continue
            other = found.setdefault(shadow_of(contract.dataset), contract)
            if other is not contract:
                raise ConfigurationError(
                    f"{other.dataset} and {contract.dataset} have the same name in different layers",
                    remedy="rename one of them: jobs and shadows are named after the dataset without its layer",
                )
        return found

    def _check_inputs(self, contract: DatasetContract) -> None:
        for ref in contract.inputs:
            if ref.dataset not in self._by_id:
                raise ConfigurationError(
                    f"{contract.dataset} names the input {ref.dataset}, which no contract describes",
                    remedy="correct the name under inputs or add the contract",
                )
            upstream = self._by_id[ref.dataset]
            for name in ("first_date", "max_future", "grace_window"):
                ours, theirs = getattr(contract, name), getattr(upstream, name)
                if ours != theirs:
                    raise ConfigurationError(
                        f"{contract.dataset} and its input {ref.dataset} disagree on {name}: {ours}, {theirs}",
                        remedy="lateness is judged once for all datasets: give both the same value",
                    )

    def _sorted(self) -> tuple[DatasetContract, ...]:
        graph = {c.dataset: sorted({ref.dataset for ref in c.inputs}) for c in self}
        try:
            order = tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise ConfigurationError(
                f"datasets depend on each other in a cycle: {' -> '.join(error.args[1])}",
                remedy="remove one of these inputs",
            ) from error
        return tuple(self._by_id[dataset] for dataset in order)
