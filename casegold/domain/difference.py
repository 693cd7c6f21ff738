"""The difference between two versions of a dataset. Not here: computing it (`transform.difference`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

Cells = Mapping[str, str | None]
"""Values of a row by column, as text: instants in UTC, decimals with all digits."""


@dataclass(frozen=True, slots=True)
class PartitionDifference:
    """A partition in which rows differ. A version is None if it does not contain the partition."""

    key: date
    version_before: int | None
    version_after: int | None
    rows_before: int
    rows_after: int
    added: int = 0
    removed: int = 0
    changed: int = 0

    @property
    def differs(self) -> bool:
        """Whether any row differs."""
        return self.added + self.removed + self.changed > 0


@dataclass(frozen=True, slots=True)
class ColumnDifference:
    """One column: the number of rows, present in both versions, in which it differs.

    The sums of a numeric column cover the rows that differ: changed, added and removed ones.
    """

    name: str
    changed: int
    sum_before: Decimal | None = None
    sum_after: Decimal | None = None

    @property
    def differs(self) -> bool:
        """Whether the column differs at all."""
        return self.changed > 0 or self.sum_before != self.sum_after


@dataclass(frozen=True, slots=True)
class CellDifference:
    """One value before and after."""

    column: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row that was added (`before` is None), removed (`after` is None) or changed."""

    partition: date
    key: Cells
    before: Cells | None
    after: Cells | None

    @property
    def change(self) -> str:
        """ADDED, REMOVED or CHANGED."""
        return "ADDED" if self.before is None else "REMOVED" if self.after is None else "CHANGED"

    @property
    def cells(self) -> tuple[CellDifference, ...]:
        """The values that differ; for a row that was added or removed, its non-null values."""
        before, after = self.before or {}, self.after or {}
        found = (CellDifference(name, before.get(name), after.get(name)) for name in before or after)
        return tuple(cell for cell in found if cell.before != cell.after)


OFFICIAL = "what is official"


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between two states of a dataset: exact counts, and the first differing rows by partition and key.

    `before` and `after` are versions. For a shadow they are `OFFICIAL`, as of its comparison, and the shadow's id.
    """

    dataset: str
    before: int | str
    after: int | str
    partitions: tuple[PartitionDifference, ...]
    columns: tuple[ColumnDifference, ...]
    sample: tuple[RowDifference, ...]

    @property
    def rows(self) -> int:
        """How many rows differ in total."""
        return sum(each.added + each.removed + each.changed for each in self.partitions)
