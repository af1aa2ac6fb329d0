"""The glossary that ships with the program, as lines to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import takewhile

from rebal_tui.tui.segments import Line, fit, heading, paragraph, wrap
from rebal_tui.tui.widgets.lines import Builder

CODE_HEADING = "## In the code"
"""Below this line of `GLOSSARY.md` are the terms that occur in the code only."""
TERM_WIDTH = 26
"""Width in cells of the column of terms, if meanings have a column of their own."""
NARROW = 100
"""Below this width in cells, a meaning stands below its term."""
_MARKUP = re.compile(r"\[([^]]+)\]\([^)]+\)|`([^`]+)`|\*([^*]+)\*")
"""A Markdown link, code or emphasis; one of the groups has its text."""


def glossary_lines() -> Builder:
    """Build the terms and marks of `GLOSSARY.md`, each with its meaning; without those that only the code has."""
    source = list(takewhile(lambda line: line != CODE_HEADING, _source()))

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = []
        for line in source:
            text = _plain(line)
            if line.startswith("#"):
                lines += [*([()] if lines else []), heading(text.lstrip("# "), width)]
            elif not line.startswith("|"):
                lines += paragraph(text, width, "muted") if text else []
            elif entry := _entry(text):
                lines += entry_lines(*entry, width)
        return lines

    return build


def words_of(area: str) -> list[tuple[str, str]]:
    """Return the terms that the glossary explains for one area of the screens, such as `in the Lab`, each with its
    meaning there.
    """
    found = []
    for line in _source():
        entry = _entry(_plain(line)) if line.startswith("|") else None
        term, means = entry or ("", "")
        if f"({area})" in term:
            found.append((term.replace(f"({area})", "").strip(), means))
        elif area in means:
            found.append((term, re.split(rf"{re.escape(area)}[:,]? ", means, maxsplit=1)[-1]))
    return found


def _source() -> list[str]:
    return files("rebal_tui").joinpath("GLOSSARY.md").read_text(encoding="utf-8").splitlines()


def _entry(row: str) -> tuple[str, str] | None:
    """A row of a Markdown table as term and meaning; None for the header of the table."""
    if row.startswith(("|--", "| term |", "| mark |")):
        return None
    _, term, means, _ = row.split("|")
    return term.strip(), means.strip()


def _plain(text: str) -> str:
    """Return Markdown as plain text."""
    return _MARKUP.sub(lambda found: next(part for part in found.groups() if part), text)


def entry_lines(term: str, means: str, width: int) -> list[Line]:
    """Build a term with its meaning to the right of it; in a narrow terminal, below it."""
    if width < NARROW:
        return [*paragraph(term, width, "key"), *paragraph(means, width, indent=2)]
    terms, texts = wrap(term, TERM_WIDTH), wrap(means, width - TERM_WIDTH - 2)
    rows = range(max(len(terms), len(texts)))
    return [
        (
            (fit(terms[row] if row < len(terms) else "", TERM_WIDTH), "key"),
            (f"  {texts[row] if row < len(texts) else ''}", ""),
        )
        for row in rows
    ]
