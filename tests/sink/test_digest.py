"""The digest against an independent reading of its definition."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from casegold.sink.digest import Digest, digest_of

SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("number", pa.int64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("instant", pa.timestamp("us", tz="UTC")),
        ("amount", pa.decimal128(18, 2)),
    ]
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = (datetime(year, 1, 2, tzinfo=UTC).replace(tzinfo=None) for year in (1900, 2999))
ZONES = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
ROWS = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(date(1900, 1, 1), date(2999, 12, 31)),
        "instant": st.none() | st.datetimes(FIRST, LAST, timezones=ZONES),
        "amount": st.none() | st.decimals(-(10**15), 10**15, places=2),
    }
)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return str((value - EPOCH) // timedelta(microseconds=1))
        case Decimal():
            return f"{value + 0:.2f}"
        case _:
            return str(value)


def _plain(rows: list[dict[str, Any]]) -> Digest:
    high = low = 0
    for row in rows:
        canonical = b""
        for value in (row[name] for name in SCHEMA.names):
            text = b"" if value is None else _text(value).encode()
            canonical += b"-" if value is None else str(len(text)).encode() + b":" + text
        found = sha256(canonical).digest()
        high += int.from_bytes(found[:8], "big")
        low += int.from_bytes(found[8:16], "big")
    return Digest(high % 2**64, low % 2**64, len(rows))


@given(st.lists(ROWS, max_size=8))
def test_is_what_it_is_defined_to_be(rows: list[dict[str, Any]]) -> None:
    assert digest_of(pa.Table.from_pylist(rows, SCHEMA)) == _plain(rows)


@given(st.lists(ROWS, max_size=8), st.integers(0, 8))
def test_adds_up_over_any_cut_in_any_order(rows: list[dict[str, Any]], cut: int) -> None:
    parts = [digest_of(pa.Table.from_pylist(part, SCHEMA)) for part in (rows[cut:], rows[:cut])]
    assert sum(parts, Digest()) == digest_of(pa.Table.from_pylist(rows, SCHEMA))


def test_null_is_not_empty() -> None:
    schema = pa.schema([("text", pa.string())])
    null, empty = (digest_of(pa.table({"text": [text]}, schema)) for text in (None, ""))
    assert null != empty
