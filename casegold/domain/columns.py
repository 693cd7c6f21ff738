"""The columns that a contract declares, and their Arrow types. Not here: checks, files, tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ColumnKind(StrEnum):
    """Physical types, spelled as in Iceberg. `time` and nested types are left out: Spark cannot read `time`."""

    STRING = "string"
    INT = "int"
    LONG = "long"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMPTZ = "timestamptz"
    """Microseconds, UTC."""
    DECIMAL = "decimal"


_LOGICAL: dict[ColumnKind, str] = {
    ColumnKind.STRING: "string",
    ColumnKind.INT: "integer",
    ColumnKind.LONG: "integer",
    ColumnKind.BOOLEAN: "boolean",
    ColumnKind.DATE: "date",
    ColumnKind.TIMESTAMPTZ: "timestamp",
    ColumnKind.DECIMAL: "number",
}
_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A physical type; precision and scale belong to decimals only."""

    kind: ColumnKind
    precision: int = 0
    scale: int = 0

    @classmethod
    def parse(cls, text: str) -> ColumnType:
        """Parse a type as Iceberg spells it. Raises ValueError for an unknown type."""
        if match := _DECIMAL.fullmatch(text):
            precision, scale = int(match[1]), int(match[2])
            if not 0 <= scale <= precision <= 38 or precision == 0:
                raise ValueError(f"{text} is not a decimal type")
            return cls(ColumnKind.DECIMAL, precision, scale)
        kind = ColumnKind(text)
        if kind is ColumnKind.DECIMAL:
            raise ValueError("a decimal needs precision and scale")
        return cls(kind)

    @property
    def logical(self) -> str:
        """The ODCS logical type that corresponds to it."""
        return _LOGICAL[self.kind]

    @property
    def arrow(self) -> Any:
        """The Arrow data type."""
        import pyarrow as pa  # noqa: PLC0415 - reading a contract does not need it

        if self.kind is ColumnKind.DECIMAL:
            return pa.decimal128(self.precision, self.scale)
        return {
            ColumnKind.STRING: pa.string(),
            ColumnKind.INT: pa.int32(),
            ColumnKind.LONG: pa.int64(),
            ColumnKind.BOOLEAN: pa.bool_(),
            ColumnKind.DATE: pa.date32(),
            ColumnKind.TIMESTAMPTZ: pa.timestamp("us", tz="UTC"),
        }[self.kind]

    def __str__(self) -> str:
        if self.kind is ColumnKind.DECIMAL:
            return f"decimal({self.precision},{self.scale})"
        return self.kind.value


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, whether it may be null, and which values it allows."""

    name: str
    type: ColumnType
    required: bool
    description: str
    values: tuple[str, ...] = ()
    """The allowed values of a text column; empty = any."""
    minimum: int | None = None
    """The smallest allowed value of a numeric column; None = any."""

    def __str__(self) -> str:
        return f"{self.name} {self.type}{' not null' if self.required else ''}"
