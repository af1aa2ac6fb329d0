"""Types of the fields of a BOOK.json: how each is parsed, and its published schema."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from rebal_tui.domain import quantities
from rebal_tui.domain.quantities import parse_percent
from rebal_tui.domain.text import MAX_NAME_LENGTH, MAX_NOTE_LENGTH, display_text
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.fields import MAX_ID, SYMBOL_PATTERN, TIME_PATTERN
from rebal_tui.services.parsing.portfolio_body import MAX_COOLDOWN
from rebal_tui.services.parsing.shapes import Read

_NINE = r"[0-9]{1,10}(\.[0-9]{1,9}0*)?"
_POSITIVE = rf"(?=.*[1-9]){_NINE}"
_TWO = r"[0-9]{1,3}(\.[0-9]{1,2}0*)?"
_MAX = 9_000_000_000


def _decimal(pattern: str, number: dict[str, Any], description: str) -> Any:
    """A decimal as text, or as a number, which is parsed exactly."""
    return Annotated[
        str,
        WithJsonSchema(
            {
                "anyOf": [{"type": "string", "pattern": f"^{pattern}$"}, {"type": "number", **number}],
                "description": description,
            }
        ),
    ]


def _above_zero(text: str) -> quantities.Percent:
    percent = parse_percent(text)
    if percent <= 0:
        raise ValueError
    return percent


def _not_negative(text: str) -> quantities.Percent:
    percent = parse_percent(text)
    if percent < 0:
        raise ValueError
    return percent


percent_above_zero = fields.amount(_above_zero, "expected a percent above 0 with at most two decimals")
percent_not_negative = fields.amount(_not_negative, "expected a percent of 0 or more with at most two decimals")


def description(value: object) -> str:
    """Parse the description of a portfolio."""
    return display_text(fields.string(value), MAX_NOTE_LENGTH)


def cooldown(value: object) -> int:
    """Parse a cooldown in days, given as a number or as text. Raises `ValueError`."""
    expected = f"expected a whole number of days from 0 to {MAX_COOLDOWN}"
    text = fields.decimal_text(value, expected)
    if not text.isascii() or not text.isdigit() or len(text) > 5 or int(text) > MAX_COOLDOWN:
        raise ValueError(expected)
    return int(text)


DOLLARS = _decimal(
    f"-?{_NINE}", {"minimum": -_MAX, "maximum": _MAX}, "US dollars, at most nine decimals; may be negative."
)
PRICE = _decimal(
    _POSITIVE, {"exclusiveMinimum": 0, "maximum": _MAX}, "US dollars per share, above 0, at most nine decimals."
)
SHARES = _decimal(_POSITIVE, {"exclusiveMinimum": 0, "maximum": _MAX}, "Shares, above 0, at most nine decimals.")
SYMBOL = Annotated[str, Field(pattern=f"^{SYMBOL_PATTERN}$", examples=["SPY", "BRK.B"])]
ID = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ID, description="No control characters, no leading or trailing blanks."),
]
TIME = Annotated[
    str,
    Field(pattern=f"^{TIME_PATTERN}$", description="RFC 3339 with an offset, at most nine fractional digits."),
]

Price = Annotated[quantities.Price, Read(fields.price, PRICE)]
Percent = Annotated[
    quantities.Percent,
    Read(
        percent_above_zero,
        _decimal(rf"(?=.*[1-9]){_TWO}", {"exclusiveMinimum": 0}, "Percent above 0, at most two decimals."),
    ),
]
CashPercent = Annotated[
    quantities.Percent,
    Read(
        percent_not_negative,
        _decimal(_TWO, {"minimum": 0}, "Percent of equity held as cash, at most two decimals; 0 is ignored."),
    ),
]
Cooldown = Annotated[
    int,
    Read(
        cooldown,
        Annotated[
            int,
            WithJsonSchema(
                {
                    "anyOf": [
                        {"type": "integer", "minimum": 0, "maximum": MAX_COOLDOWN},
                        {"type": "string", "pattern": "^[0-9]{1,5}$"},
                    ],
                    "description": "Minimum number of calendar days between two full rebalances.",
                }
            ),
        ],
    ),
]
Time = Annotated[datetime, Read(fields.timestamp, TIME)]
Name = Annotated[
    str,
    Read(
        fields.name,
        Annotated[
            str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"\S", description="No control characters.")
        ],
    ),
]
Symbol = Annotated[str, Read(fields.symbol, SYMBOL)]
