"""The guards of the book in the settings form: their fields and parsers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rebal_tui.domain.quantities import (
    HUNDRED_PERCENT,
    Money,
    Percent,
    money_text,
    parse_percent,
    percent_text,
)
from rebal_tui.services.book.guard_options import Guards
from rebal_tui.tui.amounts import read_dollars

SWITCHES = {"jump_guard": "Price jump guard", "surge_guard": "Surge guard"}
"""Labels of the switches that turn a guard on or off, by name."""
SWITCH_WORDS = (("on", "on"), ("off: its limits do nothing", "off"))


def _jump_limit(text: str) -> Percent:
    percent = _percent(text)
    if not 0 < percent < HUNDRED_PERCENT:
        raise ValueError("expected a percent above 0 and below 100")
    return percent


def _surge_limit(text: str) -> Percent:
    percent = _percent(text)
    if percent < 0:
        raise ValueError("expected a percent of 0 or more")
    return percent


def _percent(text: str) -> Percent:
    try:
        return parse_percent(text.strip().removesuffix("%").strip())
    except ValueError as error:
        raise ValueError("expected a percent such as 20 or 12.5") from error


def _dollars(text: str) -> Money:
    amount = read_dollars(text)
    if amount < 0:
        raise ValueError("expected 0 or more")
    return amount


LIMITS: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    "jump_limit": ("Price jump limit", "% since the last close; a larger jump puts the asset on hold", _jump_limit),
    "surge_limit": (
        "Surge: session",
        "% of subscribed equity; when a session trades more, automatic runs wait for review; 0: no limit",
        _surge_limit,
    ),
    "surge_run_limit": (
        "Surge: run",
        "dollars; an automatic run that trades more waits for review; 0: no limit",
        _dollars,
    ),
    "surge_order_limit": (
        "Surge: order",
        "dollars; an automatic run with a larger order waits for review; 0: no limit",
        _dollars,
    ),
}
"""The limits of the guards by name: label, hint and parser."""
LIMITS_OF = {"jump_guard": ("jump_limit",), "surge_guard": ("surge_limit", "surge_run_limit", "surge_order_limit")}
"""Names of the limits of each guard."""


def limit_text(guards: Guards, name: str) -> str:
    """Return a limit as field text: in dollars for the surge limits of a run and an order, else in percent."""
    value = getattr(guards, name)
    return money_text(value) if name in ("surge_run_limit", "surge_order_limit") else percent_text(value)
