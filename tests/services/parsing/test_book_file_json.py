"""Exact JSON parsing: refusals with their locations."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.errors import Invalid
from rebal_tui.services.parsing.exact_json import MAX_DEPTH, MAX_SIZE, Number, read_json

REFUSED: list[tuple[str | bytes, str, str]] = [
    ("", "line 1, column 1", "expecting value"),
    ('{\n "a": 1,\n b: 2}', "line 3, column 2", "property name"),
    ('{"a": "x\ty"}', "line 1, column 9", "control character"),
    ("[1] 2", "line 1, column 5", "extra data"),
    ('{"a": 1,\n "b": {"c": 1, "c": 2}}', "line 2, column 16", 'key "c" twice'),
    ('{"a": {"a": 1}, "b": 1, "\\u0061": 2}', "line 1, column 25", 'key "a" twice'),
    ('{"a": "NaN",\n "b": NaN}', "line 2, column 7", "NaN"),
    ("[-Infinity]", "line 1, column 2", "Infinity"),
    ("[" * 200 + "]" * 200, f"line 1, column {MAX_DEPTH + 1}", "levels deep"),
    ("[\n" + "[" * 100_000, f"line 2, column {MAX_DEPTH}", "levels deep"),
    ('{"a":' * 50_000, f"line 1, column {5 * MAX_DEPTH + 1}", "levels deep"),
    ('["ok", "\\ud83d\\ude00",\n "\\ud800"]', "line 2, column 2", "lone surrogate"),
    ('"\ud800"', "line 1, column 2", "lone surrogate"),
    (b'{"a":\n "\xff"}', "line 2, column 3", "UTF-8"),
]


@pytest.mark.parametrize(("text", "location", "message"), REFUSED)
def test_a_malformed_text_is_refused_with_line_and_column(text: str | bytes, location: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_json(text, "the file")
    (fault,) = refused.value.faults
    assert fault.location == location
    assert message in fault.message


def test_a_text_above_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid, match="64 MiB"):
        read_json("1" * (MAX_SIZE + 1))


def test_the_deepest_nesting_allowed_is_read() -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None


@pytest.mark.parametrize("text", ["0.1", "-0", "1e400", "100000000000000000000000.000000000000000001", "9" * 5_000])
def test_a_number_keeps_its_written_digits(text: str) -> None:
    value = read_json(f"[{text}]")
    assert isinstance(value, list)
    assert type(value[0]) is Number
    assert value[0] == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [("1e3", "1000"), ("1.5E-9", "0.0000000015"), ("-2.50e+1", "-25.0"), ("1e400", "1e400"), ("0.10", "0.10")],
)
def test_an_exponent_is_written_out_exactly(text: str, plain: str) -> None:
    assert Number(text).plain == plain


def test_escaped_backslashes_are_no_surrogates_and_a_byte_order_mark_is_skipped() -> None:
    assert read_json('\ufeff"\\\\ud800"') == "\\ud800"


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@pytest.mark.slow
@given(JSON, st.booleans())
def test_json_without_numbers_is_read_unchanged(value: object, ascii_only: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(st.text(alphabet='{}[]":,\\u0d8e1-.NaInfity \n', max_size=60) | st.binary(max_size=30))
def test_other_input_is_invalid_and_raises_nothing_else(text: str | bytes) -> None:
    with contextlib.suppress(Invalid):
        read_json(text)
