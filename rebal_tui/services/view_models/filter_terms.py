"""The filter language of lists: words, and terms such as `drift>5`, `portfolio:growth`, `state:waits`, `cash<0`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType

from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.domain.text import fold, searchable
from rebal_tui.services.view_models.standing import Tile

_TERM = re.compile(r"([a-z]+)(<=|>=|[:<>=])(.*)", re.DOTALL)
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?", re.ASCII)
_LARGEST = Decimal(10) ** 15
MIN_ID_PART = 8
"""From this number of characters on, a word can be a part of an id. A shorter word is in many ids by chance."""
_EXAMPLES = MappingProxyType({"drift": " (above +5 or below -5)"})
"""What follows the example `FIELD>5` of a field that is compared by its size, unless the number has a sign."""
NO_CHOICES: Mapping[str, Collection[str]] = MappingProxyType({})


class FieldKind(StrEnum):
    """How a field is compared: as a number, as text, or as a day, month or year."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Term:
    """A condition on a field. `operator` is `<`, `>`, `<=`, `>=`, `=`, or `:` (a text contains `value`)."""

    field: str
    operator: str
    value: str

    @property
    def number(self) -> Decimal:
        """The value as a number. Raises `InvalidOperation` if it is not one."""
        return Decimal(self.value.replace(",", ""))


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: plain words, terms, and `fault`, what is wrong with it, empty if nothing is.

    A term that cannot be parsed or is not finished is ignored.
    """

    words: tuple[str, ...]
    terms: tuple[Term, ...]
    fault: str = ""


def filter_words(text: str) -> list[str]:
    """The words of a filter, in lower case and without accents.

    A word that ends with a comma is joined with the next, as in `goldberg, b`, which may be typed as `goldberg,b`.
    """
    words: list[str] = []
    for word in searchable(text).split():
        if words and words[-1].endswith(","):
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def is_of_id(word: str, identity: str) -> bool:
    """Return whether a word of a filter is an id, or a part of it of `MIN_ID_PART` characters or more."""
    folded = fold(identity)
    return word == folded or (len(word) >= MIN_ID_PART and word in folded)


def parse_filter(
    text: str, fields: Mapping[str, FieldKind], choices: Mapping[str, Collection[str]] = NO_CHOICES
) -> Filter:
    """Parse a filter, ignoring case; a term with a field that is not in `fields` is a fault.

    `choices` has the possible values of the text fields that have a fixed set of values.
    """
    words: list[str] = []
    terms: list[Term] = []
    fault = ""
    for word in filter_words(text):
        found = _TERM.fullmatch(word)
        if found is None or not fields:
            words.append(word)
            continue
        term = Term(*found.groups())
        reason = _fault(term, fields, choices)
        fault = fault or reason
        if not reason and term.value:
            terms.append(term)
    return Filter(tuple(words), tuple(terms), fault)


def _fault(term: Term, fields: Mapping[str, FieldKind], choices: Mapping[str, Collection[str]]) -> str:
    kind = fields.get(term.field)
    if kind is None:
        near = difflib.get_close_matches(term.field, fields, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}?" if near else f"fields are {', '.join(fields)}"
        return f"{term.field}: no such field; {meant}"
    if not term.value:
        return ""
    if kind is FieldKind.TEXT:
        if term.operator not in (":", "="):
            return f"{term.field}{term.operator}: expected {term.field}: and text, such as {term.field}:growth"
        known = choices.get(term.field)
        if known is not None and not any(term.value in choice for choice in known):
            return f"{term.field}:{term.value}: expected one of {', '.join(known)}"
        return ""
    if kind is FieldKind.DATE:
        wrong = not _DATE.fullmatch(term.value)
        return f"{term.field}{term.operator}{term.value}: expected a day, month or year: 2026-03-15" if wrong else ""
    try:
        number = term.number
    except InvalidOperation:
        example = f"{term.field}>5{_EXAMPLES.get(term.field, '')}"
        return f"{term.field}{term.operator}{term.value}: expected a number, such as {example}"
    if not number.is_finite() or abs(number) > _LARGEST:
        return f"{term.field}{term.operator}{term.value}: expected a number of at most 15 digits"
    return ""


_GROUPS = (Tile.OUTSIDE, Tile.NEAR, Tile.CALENDAR, Tile.CASH, Tile.FIRST, Tile.COOLDOWN, Tile.UNABLE)
# The value of a term has no blank, so that a group of two words is named by its first.
DESK_CHOICES: Mapping[str, Collection[str]] = MappingProxyType({"is": tuple(fold(tile).split()[0] for tile in _GROUPS)})
DESK_FIELDS: Mapping[str, FieldKind] = MappingProxyType(
    {
        **dict.fromkeys(("drift", "band", "equity", "cash"), FieldKind.NUMBER),
        **dict.fromkeys(("portfolio", "client", "worst", "state", "is"), FieldKind.TEXT),
    }
)
"""`drift` in percentage points, `band` in percent of the band, amounts in dollars; `is` a group such as `cooldown`."""
ACCOUNT_FIELDS: Mapping[str, FieldKind] = MappingProxyType(
    {
        **dict.fromkeys(("equity", "cash", "withdrawable", "reserved"), FieldKind.NUMBER),
        **dict.fromkeys(("portfolio", "client", "state"), FieldKind.TEXT),
    }
)
"""Amounts in dollars."""
RUN_FIELDS: Mapping[str, FieldKind] = MappingProxyType(
    {**dict.fromkeys(("client", "portfolio", "status", "type"), FieldKind.TEXT), "date": FieldKind.DATE}
)
"""`date` is the session of a run."""
RUN_CHOICES: Mapping[str, Collection[str]] = MappingProxyType(
    {"status": tuple(fold(one) for one in RunStatus), "type": tuple(fold(one) for one in RunType)}
)
