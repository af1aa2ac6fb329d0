"""Model of the portfolio form: the texts of its fields, their faults, and weights in hundredths of a percent.

A location names a field, such as `name`, `line 0` or `band 1`; faults refer to fields by location.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rebal_tui.domain.portfolios import (
    WEEKDAYS,
    BandType,
    CalendarCondition,
    CalendarType,
    Destination,
    Portfolio,
    RebalanceScope,
    Weights,
)
from rebal_tui.domain.quantities import HUNDRED_PERCENT, format_scaled, parse_percent, percent_text
from rebal_tui.domain.text import fold
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.portfolio_input import parse_draft
from rebal_tui.services.view_models.portfolios import AssetChoice
from rebal_tui.tui import formats

NO_CALENDAR = "none"
CALENDARS = (NO_CALENDAR, *CalendarType)
NAME, DESCRIPTION, CASH, DAY, COOLDOWN, SUM = "name", "description", "cash", "day", "cooldown", "sum"
REVIEW, STAGGER, LEAST, LEAST_PERCENT = "review", "stagger", "least", "least-percent"
MAX_WEIGHT_LINES = 200
DAY_HINTS = {
    NO_CALENDAR: "",
    CalendarType.WEEKLY: "Monday … Friday",
    CalendarType.MONTHLY: "1 … 31",
    CalendarType.QUARTERLY: "1 … 31",
    CalendarType.ANNUALLY: "MM-DD",
}
"""What to type in the field for the calendar's day, by calendar type."""

_QUOTE = re.compile(r', got ".*"$|, got null$', re.DOTALL)
_LOCATIONS = {
    "name": NAME,
    "description": DESCRIPTION,
    "cooldown_days": COOLDOWN,
    "minimum_trade.amount": LEAST,
    "minimum_trade.percent": LEAST_PERCENT,
    "stagger_sessions": STAGGER,
}
_ORDER = (NAME, DESCRIPTION, "line", CASH, SUM, "band", DAY, COOLDOWN, LEAST, LEAST_PERCENT, STAGGER)
_TITLES = {SUM: "weights", STAGGER: "calendar sessions", LEAST: "minimum trade", LEAST_PERCENT: "minimum trade in %"}
_SHORTER = {
    "expected a name of 1 to 200 characters": "type a name, up to 200 characters",
    "percent is required": "type its percent",
    "symbol is required": "type its symbol",
    "day is required": "type the day",
    "expected a percent above 0 with at most": "expected above 0, at most",
    "expected a percent from 0 to 100 with at most": "expected 0 to 100, at most",
    " with at most nine decimals": "",
}
_INDEXED = re.compile(r"(weights|rebalance_conditions)\[([0-9]+)\]")


def line_location(index: int) -> str:
    """Return the location of the weight line with this index."""
    return f"line {index}"


def band_location(index: int) -> str:
    """Return the location of the drift band with this index."""
    return f"band {index}"


@dataclass(frozen=True, slots=True)
class WeightText:
    """A weight line as typed."""

    symbol: str = ""
    percent: str = ""

    @property
    def blank(self) -> bool:
        return not self.symbol and not self.percent


@dataclass(frozen=True, slots=True)
class PortfolioForm:
    """All fields as typed. Blank weight lines, bands and cash are not part of the portfolio.

    `least` and `least_percent` are the minimum trade in dollars and in percent; `stagger` is
    the number of calendar sessions.
    """

    name: str = ""
    description: str = ""
    lines: tuple[WeightText, ...] = (WeightText(),)
    cash: str = ""
    bands: tuple[tuple[BandType, str], ...] = ((BandType.ABSOLUTE, ""), (BandType.RELATIVE, ""))
    calendar: str = NO_CALENDAR
    day: str = ""
    on_update: bool = False
    cooldown: str = "7"
    review: bool = False
    rebalance_to: Destination = Destination.TARGET
    rebalance_scope: RebalanceScope = RebalanceScope.WHOLE
    least: str = ""
    least_percent: str = ""
    stagger: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """Result of checking a form. `faults` are messages by field location; `body` is None if there are any.

    `in_percent` has the locations of weight lines whose fault is in the percent; others are in the symbol. `calendar`
    is the calendar condition, if it is valid. `total` is the sum of weights in hundredths of a percent, without the
    percentages that cannot be read; `unreadable` has the locations of those.
    """

    body: PortfolioBody | None
    faults: Mapping[str, str]
    in_percent: frozenset[str]
    calendar: CalendarCondition | None
    total: int
    unreadable: tuple[str, ...]

    @property
    def first_location(self) -> str:
        """Location of the first field with a fault, from top to bottom; empty if there is none."""
        return min(self.faults, key=_order, default="")

    @property
    def first_fault(self) -> str:
        """The first fault with the name of its field, on one line; empty if the form is valid."""
        location = self.first_location
        return f"{_titled(location)}: {self.faults[location]}" if location else ""


def form_of(portfolio: Portfolio) -> PortfolioForm:
    """Return the form of a portfolio; a type of drift band that the portfolio does not use gets a blank field."""
    bands = [(band.sub_type, percent_text(band.percent)) for band in portfolio.bands]
    bands += [(kind, "") for kind in BandType if kind not in {kind for kind, _ in bands}]
    calendar, minimum = portfolio.calendar, portfolio.minimum_trade
    return PortfolioForm(
        name=portfolio.name,
        description=portfolio.description,
        lines=tuple(WeightText(w.symbol, formats.percent(w.percent)) for w in portfolio.weights.assets)
        or (WeightText(),),
        cash=formats.percent(portfolio.weights.cash) if portfolio.weights.cash else "",
        bands=tuple(bands),
        calendar=calendar.sub_type.value if calendar else NO_CALENDAR,
        day=calendar.day if calendar else "",
        on_update=portfolio.on_update,
        cooldown=str(portfolio.cooldown_days),
        review=portfolio.review,
        rebalance_to=portfolio.rebalance_to,
        rebalance_scope=portfolio.rebalance_scope,
        least="" if minimum is None else format_scaled(minimum.amount, 9, 0),
        least_percent="" if minimum is None else percent_text(minimum.percent),
        stagger=str(portfolio.stagger_sessions) if portfolio.stagger_sessions > 1 else "",
    )


def check(form: PortfolioForm, assets: Mapping[str, AssetChoice], stored: Weights | None) -> Checked:
    """Check a form and collect all its faults. `assets` are all assets by symbol.

    Assets that cannot be bought are accepted only if the weights equal `stored`, those of the stored portfolio.
    """
    raw, locations = _raw(form)
    body, found = parse_draft(raw)
    faults: dict[str, str] = {}
    in_percent: set[str] = set()
    for fault in found:
        location = _location_of(fault.location, locations)
        if location not in faults:
            faults[location] = _in_words(fault.message)
            if fault.location.endswith("].percent"):
                in_percent.add(location)
    if not any(not line.blank for line in form.lines):
        faults[SUM] = "add a line with a symbol and its percent"
    elif SUM in faults:
        faults[SUM] = missing_text(total_of(form))
    if body.weights != stored:
        for index, line in enumerate(form.lines):
            choice = assets.get(line.symbol)
            if line.symbol and line_location(index) not in faults and (choice is None or choice.ineligible):
                why = choice.ineligible if choice else "unknown"
                faults[line_location(index)] = f"{line.symbol} is {why}"
    calendar = next((c for c in body.conditions if isinstance(c, CalendarCondition)), None)
    found_body = None if faults else body
    return Checked(found_body, faults, frozenset(in_percent), calendar, total_of(form), unreadable(form))


def _raw(form: PortfolioForm) -> tuple[dict[str, object], dict[str, str]]:
    """Return the form as input of the API, and the location of each weight's and condition's field by its path in that
    input.
    """
    locations: dict[str, str] = {}
    weights: list[object] = []
    for index, line in enumerate(form.lines):
        if not line.blank:
            locations[f"weights[{len(weights)}]"] = line_location(index)
            weights.append({"type": "asset", "symbol": line.symbol or None, "percent": line.percent or None})
    if form.cash:
        locations[f"weights[{len(weights)}]"] = CASH
        weights.append({"type": "cash", "percent": form.cash})
    conditions: list[object] = []
    for index, (kind, percent) in enumerate(form.bands):
        if percent:
            locations[f"rebalance_conditions[{len(conditions)}]"] = band_location(index)
            conditions.append({"type": "drift_band", "sub_type": kind.value, "percent": percent})
    if form.calendar != NO_CALENDAR:
        locations[f"rebalance_conditions[{len(conditions)}]"] = DAY
        day = weekday_of(form.day) if form.calendar == CalendarType.WEEKLY else form.day
        conditions.append({"type": "calendar", "sub_type": form.calendar, "day": day or None})
    if form.on_update:
        conditions.append({"type": "on_portfolio_update"})
    raw: dict[str, object] = {
        "name": form.name,
        "description": form.description,
        "weights": weights,
        "cooldown_days": form.cooldown,
        "rebalance_conditions": conditions,
        "review": form.review,
        "rebalance_to": form.rebalance_to.value,
        "rebalance_scope": form.rebalance_scope.value,
        "minimum_trade": {"amount": form.least or None, "percent": form.least_percent or None}
        if form.least or form.least_percent
        else None,
        "stagger_sessions": form.stagger or None,
    }
    return raw, locations


def _location_of(location: str, locations: Mapping[str, str]) -> str:
    item = _INDEXED.match(location)
    if item is not None:
        return locations.get(item.group(), SUM)
    return _LOCATIONS.get(location, SUM)


def _in_words(message: str) -> str:
    """Shorten a fault's message for display next to its field: without the quoted text of the field."""
    text = _QUOTE.sub("", message)
    for long, short in _SHORTER.items():
        text = text.replace(long, short)
    return text


def _order(location: str) -> tuple[int, str]:
    kind = location.partition(" ")[0]
    return _ORDER.index(kind), location.rjust(12)


def _titled(location: str) -> str:
    kind, _, number = location.partition(" ")
    if number:
        return f"{'weight line' if kind == 'line' else kind} {int(number) + 1}"
    return _TITLES.get(location, location)


def weekday_of(text: str) -> str:
    """Return the weekday that starts with `text`, ignoring case; if none or several do, return `text`."""
    found = [day for day in WEEKDAYS if text and day.casefold().startswith(text.strip().casefold())]
    return found[0] if len(found) == 1 else text


def hundredths(text: str) -> int | None:
    """Parse a percentage to hundredths of a percent; None if it is invalid."""
    try:
        return parse_percent(text)
    except ValueError:
        return None


def whole_number(text: str) -> int | None:
    """Parse a number of days with at most 5 digits; None if it is invalid."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None


def total_of(form: PortfolioForm) -> int:
    """Return the sum of all valid percentages, in hundredths of a percent."""
    return sum(hundredths(text) or 0 for text in (*(line.percent for line in form.lines), form.cash))


def unreadable(form: PortfolioForm) -> tuple[str, ...]:
    """Return the locations of the percentages that are not blank and cannot be read."""
    texts = [*((line_location(i), line.percent) for i, line in enumerate(form.lines)), (CASH, form.cash)]
    return tuple(location for location, text in texts if text and hundredths(text) is None)


def missing_text(total: int) -> str:
    """Describe a sum of weights, in hundredths of a percent: what is missing or too much, or that it is 100.00."""
    if total == HUNDRED_PERCENT:
        return "sums to 100.00"
    short = HUNDRED_PERCENT - total
    deviation = f"{formats.percent(short)} missing" if short > 0 else f"{formats.percent(-short)} too much"
    return f"the sum is {formats.percent(total)}: {deviation}"


def takes_rest(line: WeightText) -> bool:
    """Whether the rest goes to this line if it has the focus: it has a symbol and no percentage above 0."""
    return bool(line.symbol) and (hundredths(line.percent) or 0) <= 0


def rest_for(form: PortfolioForm, index: int | None) -> int:
    """Return what the other weights leave of 100.00 for one, in hundredths of a percent.

    `index` is the index of that weight line; None for cash. Raises `ValueError` if the result is not above 0, or if the
    percentage of another weight cannot be read.
    """
    own = CASH if index is None else line_location(index)
    for location in unreadable(form):
        if location != own:
            raise ValueError(f"The percent of {_titled(location)} cannot be read: correct it first.")
    text = form.cash if index is None else form.lines[index].percent
    rest = HUNDRED_PERCENT - total_of(form) + (hundredths(text) or 0)
    if rest <= 0:
        place, others = "cash" if index is None else "this line", formats.percent(HUNDRED_PERCENT - rest)
        raise ValueError(f"No percent is left for {place}: the others sum to {others}.")
    return rest


def with_rest(form: PortfolioForm, index: int | None) -> PortfolioForm:
    """Return the form with one weight set so that all sum to 100.00. Raises `ValueError` as `rest_for` does."""
    return _with_percent(form, index, formats.percent(rest_for(form, index)))


def _with_percent(form: PortfolioForm, index: int | None, percent: str) -> PortfolioForm:
    if index is None:
        return replace(form, cash=percent)
    lines = list(form.lines)
    lines[index] = replace(lines[index], percent=percent)
    return replace(form, lines=tuple(lines))


def normalized(form: PortfolioForm) -> PortfolioForm:
    """Return the form with all weights scaled so that they sum to exactly 100.00.

    Raises `ValueError` if a line has no percentage above 0, or if cash is invalid.
    """
    locations = [index for index, line in enumerate(form.lines) if not line.blank]
    texts = [form.lines[index].percent for index in locations]
    amounts = [hundredths(text) for text in texts]
    if not amounts or any(amount is None or amount <= 0 for amount in amounts):
        raise ValueError("Every line needs a percent above 0 before the weights can be scaled to 100.")
    cash = hundredths(form.cash) if form.cash else 0
    if cash is None or cash < 0:
        raise ValueError("Cash must be a percent or blank before the weights can be scaled to 100.")
    shares = scaled([*(amount or 0 for amount in amounts), cash])
    for index, share in zip(locations, shares, strict=False):
        form = _with_percent(form, index, formats.percent(share))
    return _with_percent(form, None, formats.percent(shares[-1])) if cash else form


def scaled(amounts: Sequence[int]) -> list[int]:
    """Scale amounts of 0 or more to hundredths of a percent that sum to exactly 100.00.

    Percentages are rounded by largest remainder (ties: the first). A positive amount gets at least 0.01, taken from the
    largest percentage.
    """
    total = sum(amounts)
    shares = [amount * HUNDRED_PERCENT // total for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda i: (-(amounts[i] * HUNDRED_PERCENT % total), i))
    for index in by_remainder[: HUNDRED_PERCENT - sum(shares)]:
        shares[index] += 1
    for index, amount in enumerate(amounts):
        if amount and not shares[index]:
            shares[index] = 1
            shares[shares.index(max(shares))] -= 1
    return shares


def matches(assets: Sequence[AssetChoice], typed: str, taken: frozenset[str], limit: int = 8) -> list[AssetChoice]:
    """Return at most `limit` assets that can be bought and match `typed`, except those in `taken`.

    Assets whose symbol begins with `typed` come first, then those with a word of the name that begins with it.
    """
    needle = fold(typed)
    free = [asset for asset in assets if not asset.ineligible and asset.symbol not in taken]
    first = [asset for asset in free if fold(asset.symbol).startswith(needle)]
    rest = [a for a in free if a not in first and f" {needle}" in f" {fold(a.name)}"]
    return [*first, *rest][:limit]


def weights_of(form: PortfolioForm) -> list[tuple[str, int]]:
    """Return (symbol, hundredths of a percent) of each line with a percentage, cash last, for a stacked bar."""
    shares = [(line.symbol or "?", hundredths(line.percent) or 0) for line in form.lines if line.percent]
    cash = hundredths(form.cash) if form.cash else None
    return [*shares, *([("cash", cash)] if cash else [])]
