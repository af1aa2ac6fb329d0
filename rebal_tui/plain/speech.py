"""Text that a screen reader reads well: words in place of marks, one statement a line, no drawing characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from rebal_tui.domain.quantities import Money
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line
from rebal_tui.tui.text import printable

NONE = "none"
WIDE = 10_000
"""Width of lines of the screens that are read here, so that they do not wrap."""
_WORDS = (
    (re.compile(r"^SIMULATED ×1\b(?!,)"), "simulated, in real time"),
    (re.compile(r"^SIMULATED ×(\d[\d,]*)"), r"simulated, \1 times real time"),
    (re.compile(r"×(\d[\d,]*)"), r"\1 times"),
    (re.compile(r"±\s*"), "plus or minus "),
    (re.compile(r"\s*→\s*"), " to "),
    (re.compile(r"\s+·\s+"), ", "),
    (re.compile(r"(?<=\d)\s?%"), " percent"),
    (re.compile(r"(?<=\d) pp\b"), " percentage points"),
    (re.compile(r"(?<=\d) d\b"), " days"),
    (re.compile(r"(?<=\d) h\b"), " hours"),
    (re.compile(r"(?<=\d) m\b"), " minutes"),
    (re.compile(r"(?<=\d) s\b"), " seconds"),
    (re.compile(r"\s*…"), ""),
    (re.compile(r"\u00a0"), " "),
)
_DRAWN = frozenset({"So", "Sk"})
"""Categories of signs that draw something: arrows, boxes, blocks, bullets. Those of `Sm` are arrows in part."""


def spoken(text: str) -> str:
    """A text of the services or screens on one line, with words for symbols and without drawing characters."""
    text = printable(text)
    for sign, word in _WORDS:
        text = sign.sub(word, text)
    kept = "".join(char for char in text if not _is_drawn(char))
    return re.sub(r" {2,}", " ", kept).strip()


def _is_drawn(char: str) -> bool:
    return char != "\ufffd" and (unicodedata.category(char) in _DRAWN or "\u2190" <= char <= "\u2bff")


def label(name: str, value: str) -> str:
    """The text `Name: value`."""
    return f"{name}: {spoken(value) or NONE}"


def sentence(text: str) -> str:
    """A text as a sentence: with a capital letter and, unless it ends with one of `.?!:`, a period."""
    text = spoken(text)
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!:" else f"{text}."


def read_lines(lines: Iterable[Line]) -> list[str]:
    """The text of styled lines of the screens, each as a sentence; empty lines are left out."""
    texts = (sentence("".join(text for text, _ in line)) for line in lines)
    return [text for text in texts if text]


def listed(items: Sequence[str]) -> str:
    """Texts as one enumeration, such as `a, b and c`."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def dollars(amount: Money) -> str:
    """Dollars for reading aloud, such as `$104,311.20`."""
    return f"-${formats.money(Money(-amount))}" if amount < 0 else f"${formats.money(amount)}"


def withdrawable(amount: Money) -> str:
    """Withdrawable cash for reading aloud, as by `formats.withdrawable`."""
    return f"${formats.withdrawable(amount)}"


def percent(hundredths: int | None) -> str:
    """A percentage such as `28.62 percent`, from hundredths of a percent."""
    return NONE if hundredths is None else f"{formats.percent(hundredths)} percent"


def points(hundredths: int) -> str:
    """A drift such as `5.42 percentage points above target`, from hundredths of a percentage point."""
    if not hundredths:
        return "on target"
    return f"{formats.percent(abs(hundredths))} percentage points {'above' if hundredths > 0 else 'below'} target"


def when(at: datetime) -> str:
    """A time in New York such as `Mon 23 Nov 09:31`."""
    return formats.day_time(at)


def now_text(at: datetime) -> str:
    """A time such as `Monday 23 November 2026, 09:31:11 in New York`."""
    local = at.astimezone(NEW_YORK)
    return f"{local:%A} {local.day} {local:%B} {local.year}, {formats.clock(at)} in New York"
