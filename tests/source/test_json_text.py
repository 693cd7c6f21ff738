"""The fast ways of reading and writing JSON say what the slow ones say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casegold.domain import identity
from casegold.domain.identity import canonical_json
from casegold.source import json_text
from casegold.source.json_text import Unreadable, read_object

CHARACTERS = st.characters(codec="utf-8")
TEXTS = st.text(CHARACTERS, max_size=4) | st.sampled_from(
    ["a", '"', "\\", "\x1f", "\x7f", "\u2028", "\ufeff", "\U0001f600"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**65) | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)
SNIPPETS = st.sampled_from(
    [
        *('{"a":1,"a":2}', '{"a":{"b":1,"b":1}}', '{"a":[{"b":1,"b":"x"}]}', '{"\\u0061":1,"a":2}'),
        *('{"a":-0,"b":1.0}', '{"a":1E2}', '{"a":1e400}', '{"a":NaN}', '{"a":01}', '{"a":-}'),
        *('{"a":18446744073709551615}', '{"a":9223372036854775808}', '{"a":-9223372036854775808}'),
        *('{"a":"\t"}', '{"a":"\0"}', '{"a":"\\u0000"}', '{"a":"\\ud800"}', "{'a':1}", '{"a":1}x', '{"a":1,}'),
        *("[1]", '"a"', "\ufeff{}", "", " {} ", "{" * 40, '{"a":' * 40 + "1" + "}" * 40),
    ]
)


def _outcome(value: bytes) -> Any:
    try:
        return repr(read_object(value))
    except Unreadable as error:
        return f"refused: {error}"


@given(
    st.one_of(
        OBJECTS.map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")),
        OBJECTS.map(lambda value: json.dumps(value).encode()),
        SNIPPETS.map(str.encode),
        st.binary(max_size=20),
        st.binary(max_size=3).map(lambda raw: b'{"a":"' + raw + b'"}'),
    )
)
@example(b'{"a":"\xff"}')
@example(b'{"\xed\xa0\x80":1}')
def test_ordinary_texts_are_read_as_all_others(value: bytes) -> None:
    fast = _outcome(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_read_plain", lambda _: None)
        assert _outcome(value) == fast


@given(OBJECTS)
def test_flat_objects_are_written_as_all_others(value: dict[str, Any]) -> None:
    def written() -> str:
        try:
            return canonical_json(value)
        except ValueError as error:
            return type(error).__name__

    fast = written()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "_FLAT", frozenset())
        assert written() == fast


def test_brackets_in_a_text_are_no_nesting_whatever_is_escaped_there() -> None:
    brackets = "[" * 40
    assert read_object(b'{"a":"\\"' + brackets.encode() + b'"}') == {"a": f'"{brackets}'}
    with pytest.raises(Unreadable, match="nested deeper than 32"):
        read_object(b'{"a":"\\\\","b":' + brackets.encode() + b"]" * 40 + b"}")


def test_the_deepest_nesting_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_read_plain", lambda _: None)  # the careful reader alone
    for depth, refused in ((32, False), (33, True)):
        # More brackets than the limit, so that they are counted: those in the text are no nesting.
        value = b'{"t":"[[","a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        if refused:
            with pytest.raises(Unreadable, match="nested deeper than 32"):
                read_object(value)
        else:
            assert read_object(value)["t"] == "[["


def test_a_whole_number_is_an_integer_as_long_as_a_double_is_exact() -> None:
    found = read_object(b'{"a":9007199254740991.0,"b":9007199254740992.0}')
    assert [type(value) for value in found.values()] == [int, float]
