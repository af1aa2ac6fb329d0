"""Text input: what may be stored and displayed."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.text import (
    MAX_NAME_LENGTH,
    day_text,
    display_text,
    fold,
    minute_text,
    name_text,
    next_time_text,
    searchable,
    sentence,
    weekday_text,
    weekday_time_text,
    without_joiners,
)


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
        ("look into ./a/b for more", "Look into ./a/b for more."),
        ("unknown symbol SPX", "Unknown symbol SPX."),
        ("", ""),
    ],
)
def test_a_message_becomes_a_sentence_and_a_path_stays_as_it_is(text: str, shown: str) -> None:
    assert sentence(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("علی\u200cرضا", "علیرضا"),
        ("क्\u200dष", "क्ष"),
        ("Zoë", "Zoë"),
        ("Ann", "Ann"),
        ("a\u200db", "a\u200db"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_joiners_between_letters_that_are_joined_are_left_out(text: str, shown: str) -> None:
    assert without_joiners(text) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("O'Brien, Jane", "obrien, jane"),
        ("O\u2019Brien,Jane", "obrien, jane"),
        ("obrien,jane", "obrien, jane"),
        ("O\u02bcBrien", "obrien"),
        ("Müller,Zoë, Ann", "muller, zoe, ann"),
        ("Smith , Jane", "smith , jane"),
        ("12,000", "12,000"),
        ("Account 12,Jane", "account 12,jane"),
        ("a_,b", "a_,b"),
        (",a", ",a"),
        ("a,", "a,"),
        ("李,小龍", "李, 小龍"),
        ("", ""),
    ],
)
def test_names_are_found_however_apostrophes_and_commas_are_typed(text: str, words: str) -> None:
    assert searchable(text) == words


JANUARY, JULY = datetime(2020, 1, 2, 14, 30, tzinfo=UTC), datetime(2026, 7, 5, 3, 59, tzinfo=UTC)
"""09:30 of a Thursday in New York, and 23:59 of the Saturday before."""


def test_days_and_times_are_those_of_new_york() -> None:
    assert weekday_text(date(2020, 1, 2)) == "Thu 02 Jan"
    assert day_text(date(2020, 1, 2)) == "Thu 02 Jan 2020"
    assert [weekday_time_text(at) for at in (JANUARY, JULY)] == ["Thu 02 Jan 09:30", "Sat 04 Jul 23:59"]
    assert [minute_text(at) for at in (JANUARY, JULY)] == ["Thu 02 Jan 2020 09:30", "Sat 04 Jul 2026 23:59"]


def test_every_weekday_and_month_has_its_name() -> None:
    days = [weekday_text(date(2026, month, month)) for month in range(1, 13)]
    assert days == [
        *("Thu 01 Jan", "Mon 02 Feb", "Tue 03 Mar", "Sat 04 Apr", "Tue 05 May", "Sat 06 Jun"),
        *("Tue 07 Jul", "Sat 08 Aug", "Wed 09 Sep", "Sat 10 Oct", "Wed 11 Nov", "Sat 12 Dec"),
    ]
    assert [weekday_text(date(2026, 3, day))[:3] for day in range(2, 9)] == "Mon Tue Wed Thu Fri Sat Sun".split()


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        (datetime(2026, 7, 4, 20, 0, tzinfo=UTC), "23:59"),
        (datetime(2026, 7, 5, 3, 58, tzinfo=UTC), "23:59"),
        (datetime(2026, 7, 4, 4, 0, tzinfo=UTC), "23:59"),
        (datetime(2026, 7, 4, 3, 59, tzinfo=UTC), "04 Jul 23:59"),
        (datetime(2025, 7, 4, 20, 0, tzinfo=UTC), "04 Jul 23:59"),
    ],
)
def test_a_later_time_has_its_day_unless_it_is_today_in_new_york(now: datetime, shown: str) -> None:
    """In UTC, the time is on the next day and `now` mostly is not."""
    assert next_time_text(JULY, now) == shown
