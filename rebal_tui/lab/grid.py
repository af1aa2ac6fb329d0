"""A grid of policies: every combination of the values listed in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.portfolios import CalendarCondition, CalendarType, Destination, RebalanceScope, conditions_fault
from rebal_tui.domain.quantities import Percent, parse_percent
from rebal_tui.lab.policies import Policy

MAX_POLICIES = 100_000
_MAX_DAYS = 36_500
_MAX_LOOK = 10_000
_KEYS = ("absolute", "relative", "calendar", "cooldown", "look", "destination", "scope")


def parse_grid(table: Mapping[str, Any]) -> tuple[Policy, ...]:
    """The policies of all combinations of the values in a table's lists, each policy once, in the order of the lists.

    `absolute` (percentage points) and `relative` (percent of the target) are lists of numbers, or decimals as text,
    above 0 with at most two decimals, or "none". `calendar` has texts such as "monthly 15", or "none"; `cooldown`
    days from 0; `look` the number of sessions from one check of the bands to the next, from 1; `destination`
    "target", "middle" or "edge"; `scope` "whole" or "breached". A missing list has one default value: "none" for
    `absolute`, `relative` and `calendar`, 0 for `cooldown`, 1 for `look`, "target" for `destination` and "whole" for
    `scope`. Raises `Invalid` with every fault, and for more than 100,000 combinations.
    """
    faults = [Fault(key, f"unknown; expected {', '.join(_KEYS)}") for key in table if key not in _KEYS]
    absolute = _column(table, "absolute", _percent, faults)
    relative = _column(table, "relative", _percent, faults)
    calendars = _column(table, "calendar", _calendar, faults)
    cooldowns = _column(table, "cooldown", lambda cell: _whole(cell, 0, _MAX_DAYS), faults, 0)
    looks = _column(table, "look", lambda cell: _whole(cell, 1, _MAX_LOOK), faults, 1)
    destinations = _column(table, "destination", lambda cell: _member(cell, Destination), faults, Destination.TARGET)
    scopes = _column(table, "scope", lambda cell: _member(cell, RebalanceScope), faults, RebalanceScope.WHOLE)
    if faults:
        raise Invalid(faults)
    columns: list[list[Any]] = [absolute, relative, calendars, cooldowns, looks, destinations, scopes]
    count = 1
    for column in columns:
        count *= len(column)
    if count > MAX_POLICIES:
        raise Invalid(f"got {count:,} combinations, expected at most {MAX_POLICIES:,}")
    return tuple(dict.fromkeys(Policy(*cells) for cells in product(*columns)))


def _column(
    table: Mapping[str, Any], key: str, parse: Callable[[object], Any], faults: list[Fault], missing: object = None
) -> list[Any]:
    if key not in table:
        return [missing]
    cells = table[key]
    if not isinstance(cells, list) or not cells:
        faults.append(Fault(key, "expected a list of at least one value"))
        return []
    found = []
    for number, cell in enumerate(cells):
        try:
            found.append(parse(cell))
        except ValueError as error:
            faults.append(Fault(f"{key}[{number}]", f"got {cell!r}, {error}"))
    return found


def _percent(cell: object) -> Percent | None:
    if cell == "none":
        return None
    expected = 'expected a percent above 0 with at most two decimals, or "none"'
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        raise ValueError(expected)
    try:
        percent = parse_percent(str(cell))
    except ValueError as error:
        raise ValueError(expected) from error
    if not 0 < percent <= 1_000_000:
        raise ValueError(expected)
    return percent


def _calendar(cell: object) -> CalendarCondition | None:
    if cell == "none":
        return None
    expected = 'expected a day such as "weekly Friday", "monthly 15", "quarterly 31", "annually 12-31", or "none"'
    kind, _, day = str(cell).partition(" ")
    if kind not in set(CalendarType):
        raise ValueError(expected)
    condition = CalendarCondition(CalendarType(kind), day)
    if conditions_fault([condition]):
        raise ValueError(expected)
    return condition


def _whole(cell: object, least: int, most: int) -> int:
    if isinstance(cell, bool) or not isinstance(cell, int) or not least <= cell <= most:
        raise ValueError(f"expected a whole number from {least} to {most:,}")
    return cell


def _member(cell: object, kind: type[Destination] | type[RebalanceScope]) -> Destination | RebalanceScope:
    if cell not in set(kind):
        raise ValueError(f"expected {_listed(member.value for member in kind)}")
    return kind(str(cell))


def _listed(texts: Iterable[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} or {last}"
