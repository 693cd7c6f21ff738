"""A product: the definition of one computed dataset. Not here: reading its folder (`runtime.product_folder`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from casegold.domain.contract import DatasetContract, InputMapping, InputRef


class Aggregate(StrEnum):
    """How the rows of a period are aggregated into one figure."""

    SUM = "sum"
    MINIMUM = "min"
    MAXIMUM = "max"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number on the page of a period: a column of the contract, aggregated over all rows."""

    name: str
    aggregate: Aggregate
    column: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that compute the rows, and their versions so far."""

    versions: Mapping[int, str]
    """Number -> SHA-256 of the rules. People raise the number when results may change."""
    modules: tuple[str, ...] = ()
    """Python files of the folder that hold rules. Every `.sql` file holds rules, too."""
    steps: tuple[str, ...] = ()
    """SQL files in execution order; the last one returns the rows. Empty: the product computes in Python."""
    views: Mapping[InputMapping, str] | None = None
    """Names of the inputs in SQL, if they differ from the default."""


@dataclass(frozen=True, slots=True)
class Product:
    """A dataset that is computed from others."""

    name: str
    """Name of the folder; the dataset's name without its layer."""
    folder: Path
    contract: DatasetContract
    is_ours: bool
    """Whether it ships with the program: then its Python runs, and its SQL runs without limits."""
    rules: Rules
    figures: tuple[Figure, ...] = ()
    words: Mapping[str, str] | None = None
    """Terms explained to the reader of the page: term -> meaning."""
    has_files: bool = True
    """Whether each period has a page and a CSV file in addition to its rows."""

    @property
    def transform(self) -> str:
        """The name under which runs record the version of its rules."""
        return self.contract.transform

    def view_of(self, ref: InputRef) -> str:
        """The name of an input in SQL: `case_daily_snapshot`, `case_daily_snapshot_before`."""
        if self.rules.views is not None and ref.mapping in self.rules.views:
            return self.rules.views[ref.mapping]
        name = ref.dataset.rpartition("/")[2]
        return f"{name}_before" if ref.mapping is InputMapping.DAY_BEFORE_PERIOD else name
