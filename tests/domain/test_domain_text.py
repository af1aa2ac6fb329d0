"""Text input: what may be stored and displayed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.text import MAX_NAME_LENGTH, display_text, name_text


@pytest.mark.parametrize("text", ["Zoë Müller", "李小龍", "O'Neil & Søn <b>", "[@click=app.quit]", "=1+1", "👍", ""])
def test_plain_text_of_any_script_passes(text: str) -> None:
    assert display_text(text) == text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a\x1b[31m", r"U\+001B at position 2"),
        ("a\nb", r"U\+000A"),
        ("\u202eevil", r"U\+202E at position 1"),
        ("zero\u200bwidth", r"U\+200B"),
        ("\ufeffbom", r"U\+FEFF"),
        ("line\u2028", r"U\+2028"),
        ("para\u2029", r"U\+2029"),
        ("private\ue000", r"U\+E000"),
        ("\ud800", r"U\+D800"),
        ("\x7f", r"U\+007F"),
        ("\x9b31m", r"U\+009B"),
        ("\U000e0041", r"U\+E0041"),
        ("\uffff", r"U\+FFFF"),
    ],
)
def test_control_and_invisible_characters_are_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        display_text(text)


def test_text_is_stored_composed() -> None:
    assert display_text("e\u0301") == "é"


def test_length_is_limited_after_composing() -> None:
    assert display_text("e\u0301" * MAX_NAME_LENGTH) == "é" * MAX_NAME_LENGTH
    with pytest.raises(ValueError, match="expected at most 200 characters, got 201"):
        display_text("x" * (MAX_NAME_LENGTH + 1))
    assert display_text("x" * 300, limit=300) == "x" * 300


def test_a_name_is_trimmed_and_must_not_be_blank() -> None:
    assert name_text("  Ann ") == "Ann"
    for blank in ("", "   ", "\u3000"):
        with pytest.raises(ValueError, match="expected a name, got nothing"):
            name_text(blank)


@given(st.text(max_size=60))
def test_accepted_text_is_stable_and_harmless(text: str) -> None:
    try:
        shown = display_text(text)
    except ValueError:
        return
    assert display_text(shown) == shown
    assert not any(unicodedata.category(char).startswith("C") for char in shown)
