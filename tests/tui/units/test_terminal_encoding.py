"""Characters that a terminal's locale lacks become ASCII of the same width."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

import rebal_tui
from rebal_tui.tui.terminal.encoding import encode, similar

LITERAL = re.compile(r"[^\x00-\x7f]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("● inside · ▲ near ■ out", "o inside . ^ near # out"),
        ("╭──╮│▌", "+--+||"),
        ("Müller ≤ 5 % → ok", "Muller < 5 % > ok"),
        ("日本 ½", "???? ?"),
    ],
)
def test_texts_keep_their_width_in_ascii(text: str, shown: str) -> None:
    assert similar(text).isascii()
    assert cell_len(similar(text)) == cell_len(text)
    assert encode(text, "ascii").decode() == shown


def test_a_locale_keeps_the_characters_that_it_has() -> None:
    assert encode("Müller ●", "iso8859-1") == "Müller o".encode("iso8859-1")
    assert encode("Müller ● \ud800", "utf-8") == "Müller ● ?".encode()


def test_every_character_of_the_screens_has_a_likeness() -> None:
    source = "".join(path.read_text("utf-8") for path in (Path(rebal_tui.__file__).parent / "tui").rglob("*.py"))
    unknown = {char for char in LITERAL.findall(source) if similar(char) in ("?", "??")}
    assert unknown <= set("½日本♥�"), unknown
