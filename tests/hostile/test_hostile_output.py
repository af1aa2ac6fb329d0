"""Output safety: no export cell is a formula, numbers stay numbers, and no control byte reaches a terminal."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebal_tui.domain.quantities import format_scaled
from rebal_tui.domain.text import display_text, name_text, without_joiners
from rebal_tui.services.maintenance.export import csv_text, safe_cell
from rebal_tui.tui.text import printable, ui_text

FUZZ = int(os.environ.get("FUZZ", "1"))
ASVS = ("=", "+", "-", "@", "\t", "\0")
"""The formula prefixes of ASVS 5.0, 1.2.10."""
MORE = (
    "\r",
    "\n",
    "|",
    "%",
    "＝",
    "＋",
    "－",
    "＠",
    "﹦",
    "﹢",
    "﹣",
    "﹫",
    " =",
    "\u00a0=",
    "\u3000＝",
    "\x0b=",
    "\x85=",
)
anything = st.text(max_size=40) | st.text(alphabet=st.characters(max_codepoint=0x2FF), max_size=40)
EXAMPLES: Callable[[Callable[..., None]], Callable[..., None]] = settings(max_examples=150 * FUZZ, deadline=None)


def read_back(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.slow
@EXAMPLES
@given(st.sampled_from([*ASVS, *MORE]), anything)
def test_possible_formulas_are_prefixed_with_an_apostrophe(start: str, rest: str) -> None:
    text = start + rest
    if text.lstrip("-").replace(".", "", 1).isdecimal() and text.isascii():
        return
    assert safe_cell(text) == "'" + text


@pytest.mark.slow
@EXAMPLES
@given(st.lists(anything, min_size=1, max_size=4))
def test_an_exported_table_has_no_formula_and_complete_texts(values: list[str]) -> None:
    columns = [f"c{n}" for n in range(len(values))]
    header, row = read_back(csv_text(columns, [dict(zip(columns, values, strict=True))]))
    assert header == columns
    for value, cell in zip(values, row, strict=True):
        assert cell in (value, "'" + value)
        first = unicodedata.normalize("NFKC", cell.lstrip()[:1])
        assert first[:1] not in ("=", "+", "@", "|", "%")
        assert first[:1] != "-" or cell.lstrip("-").replace(".", "", 1).isdecimal()
        assert cell[:1] not in ("\t", "\r", "\n", "\0")


@EXAMPLES
@given(st.integers(-(10**28), 10**28), st.integers(0, 9))
def test_every_amount_stays_the_number_that_it_is(units: int, decimals: int) -> None:
    text = format_scaled(units, decimals)
    ((cell,),) = read_back(csv_text(["amount"], [{"amount": text}]))[1:]
    assert cell == text
    assert safe_cell(units) == str(units)


def harmless(text: str) -> bool:
    """Whether a terminal only displays the character."""
    return all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in text)


surrogates_too = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)


@pytest.mark.slow
@EXAMPLES
@given(surrogates_too)
def test_accepted_text_is_harmless(text: str) -> None:
    for clean in (display_text, name_text):
        with suppress(ValueError):
            cleaned = clean(text)
            assert harmless(without_joiners(cleaned))
            assert cleaned == unicodedata.normalize("NFC", cleaned)
            assert clean(cleaned) == cleaned


@pytest.mark.slow
@EXAMPLES
@given(surrogates_too)
def test_no_control_byte_passes_the_widgets_text_function(text: str) -> None:
    shown = ui_text(text).plain
    assert harmless(shown.replace("\n", ""))
    assert shown.count("\n") == text.count("\n")
    assert harmless(printable(text))
    assert len(printable(text)) == len(without_joiners(text))
    shown.encode("utf-8")


@pytest.mark.parametrize("byte", [*range(0x20), *range(0x7F, 0xA0)])
def test_every_control_character_is_replaced(byte: int) -> None:
    shown = ui_text(f"a{chr(byte)}b").plain
    assert shown == ("a\nb" if byte == 10 else "a�b")
