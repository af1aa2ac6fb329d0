"""Text input: what may be stored and displayed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.text import MAX_NAME_LENGTH, display_text, fold, name_text, sentence, without_joiners


@pytest.mark.parametrize(
    "text",
    [
        "Zoë Müller",
        "李小龍",
        "O'Neil & Søn <b>",
        "[@click=app.quit]",
        "=1+1",
        "👍",
        "",
        "علی\u200cرضا",
        "क्\u200dष",
        "ශ්\u200dරී",
    ],
)
def test_plain_text_of_any_script_passes(text: str) -> None:
    assert display_text(text) == text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a\x1b[31m", r"U\+001B at position 2"),
        ("a\nb", r"U\+000A"),
        ("\u202eevil", r"U\+202E at position 1"),
        ("zero\u200bwidth", r"U\+200B"),
        ("zero\u200cwidth", r"U\+200C"),
        ("\u200cعلی", r"U\+200C at position 1"),
        ("علی\u200d", r"U\+200D"),
        ("علی\u200c\u200cرضا", r"U\+200C"),
        ("👩\u200d💻", r"U\+200D"),
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


def test_of_the_first_characters_exactly_the_controls_and_the_soft_hyphen_are_refused() -> None:
    refused = set()
    for char in map(chr, range(256)):
        try:
            assert display_text(f"a{char}b") == f"a{char}b"
        except ValueError:
            refused.add(char)
    assert refused == {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\xad"}


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
        with pytest.raises(ValueError, match="expected a name of 1 to 200 characters"):
            name_text(blank)


@given(st.text(max_size=60))
def test_accepted_text_is_stable_and_harmless(text: str) -> None:
    try:
        shown = display_text(text)
    except ValueError:
        return
    assert display_text(shown) == shown
    assert not any(unicodedata.category(char).startswith("C") for char in without_joiners(shown))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("Mu\u0308ller", "muller"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Łukasz Søn", "lukasz son"),
        ("Ægir Þór", "aegir thor"),
        ("İstanbul ısı", "istanbul isi"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("Ёлкин", "елкин"),
        ("ｆｕｌｌ ﬁne", "full fine"),
        ("علی\u200cرضا", "علیرضا"),
        ("drift≠5 ½ ¨", "drift≠5 ½ ¨"),
        ("Jo\ud800", "jo\ufffd"),
    ],
)
def test_text_is_folded_for_searching(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=60), st.text(max_size=60))
def test_folding_keeps_words_apart_and_is_the_same_for_parts(one: str, two: str) -> None:
    assert fold(fold(one)) == fold(one)
    assert fold(f"{one} {two}") == f"{fold(one)} {fold(two)}"
    assert fold(one).count("\n") == one.count("\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("folder not found: /none", "Folder not found: /none."),
        ("other.db is a book; name another file", "other.db is a book; name another file."),
        ("~/x: File name too long.", "~/x: File name too long."),
        ("", ""),
    ],
)
def test_a_message_becomes_a_sentence_and_a_path_stays_as_it_is(text: str, shown: str) -> None:
    assert sentence(text) == shown
