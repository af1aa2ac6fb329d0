"""Pasted text is text: nothing in it acts as a key or as a control sequence."""

from __future__ import annotations

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

from rebal_tui.tui.terminal.pastes import END, START, PasteFilter, plain_paste


def events(*pieces: str) -> list[str]:
    """What the parser makes of input in pieces: keys by name, pasted text in quotes."""
    parser, pastes, found = XTermParser(), PasteFilter(), []
    for piece in pieces:
        if text := pastes.feed(piece):
            for event in parser.feed(text):
                assert isinstance(event, Key | Paste)
                found.append(event.key if isinstance(event, Key) else repr(event.text))
    return found


@pytest.mark.parametrize(
    ("pasted", "text"),
    [
        ("1500", "1500"),
        ("12\x1b34", "1234"),
        ("12\x1b[A34", "12[A34"),
        ("12\x1b\x1b", "12"),
        ("\x1bq\x1b\x1bq", "qq"),
        ("a\x1b[20b", "a[20b"),
        (f"a{START}b", "a[200~b"),
        ("\x1b]52;c;aGk=\x07x", "]52;c;aGk=x"),
        ("a\x00\x7f\x9b31mb", "a31mb"),
        ("one\ttwo\r\nthree", "one\ttwo\r\nthree"),
        ("日本 é 🙂", "日本 é 🙂"),
    ],
)
def test_a_paste_is_one_text_wherever_the_input_is_cut(pasted: str, text: str) -> None:
    sent = f"a{START}{pasted}{END}\x1b[Bz"
    expected = ["a", repr(text), "down", "z"]
    assert events(sent) == expected
    for cut in range(len(sent)):
        assert events(sent[:cut], sent[cut:]) == expected, cut
    assert events(*sent) == expected


def test_keys_are_unchanged_and_a_mark_of_the_end_alone_does_nothing() -> None:
    for typed in ("abc\x1b[A\x1bOP\x03", "\x1b[2", "\x1b\x1b[200", "x\x1b[20x"):
        assert PasteFilter().feed(typed) == typed
    assert events(f"a{END}b") == ["a", "b"]


def test_the_start_of_a_paste_is_known_while_it_comes_in() -> None:
    pastes = PasteFilter()
    states = []
    for char in START:
        pastes.feed(char)
        states.append((pastes.starting, pastes.inside))
    assert states == [(False, False), *[(True, False)] * 4, (False, True)], "ESC alone may be the key"


def test_a_paste_whose_end_does_not_come_can_be_ended() -> None:
    pastes = PasteFilter()
    assert pastes.end() == ""
    assert pastes.feed(f"{START}ab\x1b[20") + pastes.end() + pastes.feed("c") == f"{START}ab{END}c"


def test_text_keeps_its_lines_and_loses_what_controls_a_terminal() -> None:
    assert plain_paste("a\x1b[31mb\nc\td\x85e") == "a[31mb\nc\tde"
    text = "plain " * 1_000
    assert plain_paste(text) is text
