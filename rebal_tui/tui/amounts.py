"""Parsing of the amounts that a person types: dollars and shares."""

from __future__ import annotations

import re

from rebal_tui.domain.quantities import Money, Qty, parse_money, parse_qty

_GROUPED = re.compile(r"-?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?", re.ASCII)
"""A number with commas between groups of three before the point."""
_EXPECTED_DOLLARS = "expected 1,500.00 or 1500"
_EXPECTED_SHARES = "expected 1,500 or 12.5"


def read_dollars(text: str) -> Money:
    """Parse dollars; accepts spaces around the amount, a leading `$`, and commas between groups of three digits before
    the point.

    Raises `ValueError` with the expected format; `150,00` is refused, because it can mean 150 or 15,000.
    """
    return parse_money(_plain(text.strip().removeprefix("$"), _EXPECTED_DOLLARS))


def read_shares(text: str) -> Qty:
    """Parse a number of shares, with commas as in `read_dollars`. Raises `ValueError` with the expected format."""
    return parse_qty(_plain(text, _EXPECTED_SHARES))


def _plain(text: str, expected: str) -> str:
    """The number without blanks around and without commas between groups of three."""
    plain = text.strip()
    if "," not in plain:
        return plain
    if not _GROUPED.fullmatch(plain):
        raise ValueError(expected)
    return plain.replace(",", "")
