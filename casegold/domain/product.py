"""What makes one dataset what it is, as its folder tells it. Not here: reading it (`runtime.product_folder`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from casegold.domain.contract import DatasetContract, InputMapping, InputRef


class Aggregate(StrEnum):
    """How the rows of a period become one figure."""

    SUM = "sum"
    MINIMUM = "min"
    MAXIMUM = "max"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a period for its page: a column of the contract over all rows."""

    name: str
    aggregate: Aggregate
    column: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What computes the rows, and its versions so far."""

    versions: Mapping[int, str]
    """Number -> SHA-256 of the rules. A number is raised when results may change."""
    modules: tuple[str, ...] = ()
    """Python files of the folder that hold rules; every `.sql` file does."""
    steps: tuple[str, ...] = ()
    """SQL files in the order in which they run; the last one gives the rows. None: the product computes in Python."""
    views: Mapping[InputMapping, str] | None = None
    """Names of the inputs in SQL, where they are not the default ones."""


@dataclass(frozen=True, slots=True)
class Product:
    """A dataset that is made from others."""

    name: str
    """Of the folder; the dataset's name without its layer."""
    folder: Path
    contract: DatasetContract
    is_ours: bool
    """It came with the program: its Python runs, and its SQL needs no bounds."""
    rules: Rules
    figures: tuple[Figure, ...] = ()
    words: Mapping[str, str] | None = None
    """What is counted, for the reader of the page: term -> meaning."""
    has_files: bool = True
    """Whether a page and a CSV file lie beside the rows of each period."""

    @property
    def transform(self) -> str:
        """The name under which runs record its version."""
        return self.contract.transform

    def view_of(self, ref: InputRef) -> str:
        """Under which name the SQL finds an input: `case_daily_snapshot`, `case_daily_snapshot_before`."""
        if self.rules.views is not None and ref.mapping in self.rules.views:
            return self.rules.views[ref.mapping]
        name = ref.dataset.rpartition("/")[2]
        return f"{name}_before" if ref.mapping is InputMapping.DAY_BEFORE_PERIOD else name
