"""The digest of a set of rows: equal for equal rows in any order, in any files. Not here: comparing versions.

Each row is written as canonical bytes (columns in the schema's order, each null as `-`, each value as its length in
bytes, a colon and its text) and hashed with SHA-256; the first two 64-bit words are summed over all rows modulo 2^64.
Text of a value: strings as they are, whole numbers in decimal, booleans `true` or `false`, dates ISO 8601, instants as
microseconds since 1970 in UTC, decimals with all digits of their scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import duckdb
import pyarrow as pa
from duckdb import CoalesceOperator, ColumnExpression, ConstantExpression, Expression, FunctionExpression, SQLExpression

MODULUS = 2**64


@dataclass(frozen=True, slots=True)
class Digest:
    """Two unsigned 64-bit words and the number of rows. Digests of disjoint sets of rows add up."""

    high: int = 0
    low: int = 0
    rows: int = 0

    def __add__(self, other: Digest) -> Digest:
        return Digest((self.high + other.high) % MODULUS, (self.low + other.low) % MODULUS, self.rows + other.rows)

    def __str__(self) -> str:
        return f"{self.high:016x}{self.low:016x}/{self.rows}"


def digest_of(rows: pa.Table) -> Digest:
    """The digest of a table's rows. Order and types of the columns count, their names do not.

    Raises:
        TypeError: the canonical form has no rule for a column's type.
    """
    if rows.num_rows == 0:
        return Digest()
    hashed = _engine().cursor().from_arrow(rows).select(_row_hash(rows.schema).alias("hash"))
    words = hashed.select(
        SQLExpression("('0x' || substr(hash, 1, 16))::ubigint").alias("high"),
        SQLExpression("('0x' || substr(hash, 17, 16))::ubigint").alias("low"),
    )
    found = words.aggregate("sum(high) % 18446744073709551616, sum(low) % 18446744073709551616, count(*)").fetchone()
    if found is None:
        raise TypeError("an aggregate gave no row")
    return Digest(int(found[0]), int(found[1]), int(found[2]))


@cache
def _row_hash(schema: pa.Schema) -> Expression:
    # One concat of all pieces: nested calls copy the text once per column and are several times slower.
    return FunctionExpression("sha256", FunctionExpression("concat", *(x for field in schema for x in _pieces(field))))


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One engine per process: opening one costs 17 ms, hashing a file of a small partition takes 2 ms."""
    return duckdb.connect()


def _pieces(field: pa.Field) -> tuple[Expression, Expression]:
    """Length and colon, then the text. For a null: a dash, then nothing, because concat leaves nulls out."""
    text = _text(ColumnExpression(field.name), field.type)
    length = FunctionExpression("strlen", text).cast("varchar")
    prefix = FunctionExpression("||", length, ConstantExpression(":"))
    return CoalesceOperator(prefix, ConstantExpression("-")), text


def _text(column: Expression, kind: pa.DataType) -> Expression:
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return FunctionExpression("epoch_us", column).cast("varchar")
    plain = (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date32(kind)
        or pa.types.is_decimal(kind)
    )
    if not plain:
        raise TypeError(f"no canonical form for {kind}")
    return column.cast("varchar")
