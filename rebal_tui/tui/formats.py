"""Display formats of exact integer amounts, percentages, times and ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from rebal_tui.domain.quantities import CENT, NANO, Money, Price, Qty, Value, floor_cents, nearest_cents, value_cents
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import MONTHS, weekday_time_text


def money(amount: Money) -> str:
    """`104,311.20`: dollars and cents, to the nearest cent."""
    shown = nearest_cents(amount)
    dollars, cents = divmod(abs(shown) // CENT, 100)
    return f"{'-' if shown < 0 else ''}{dollars:,}.{cents:02d}"


def money_down(amount: Money) -> str:
    """`104,311.20`: dollars and cents, rounded down; for the largest amount that a person may enter."""
    return money(floor_cents(Value(amount * NANO)))


def withdrawable(amount: Money) -> str:
    """`104,311.20 (rounded down)`: the amount by `money_down`, with this note if `money` gives another one."""
    down = money_down(amount)
    return down if down == money(amount) else f"{down} (rounded down)"


def dollars(amount: Money) -> str:
    """`104,311`: to the nearest dollar; half a dollar is rounded away from zero."""
    shown = (abs(amount) + NANO // 2) // NANO
    return f"{'-' if amount < 0 < shown else ''}{shown:,}"


def short_dollars(amount: Money) -> str:
    """`$11.42 M`, `$84 k`, `$950`: rounded dollars.

    Thousands (`k`) from $10,000, millions (`M`) from $100,000, billions (`bn`) from $100 billion.
    """
    sign, dollars = "-$" if amount < 0 else "$", (abs(amount) + NANO // 2) // NANO
    if dollars >= 100_000_000_000 - 5_000:
        return f"{sign}{(dollars + 500_000_000) // 1_000_000_000:,} bn"
    if dollars >= 100_000 - 500:
        whole, hundredths = divmod((dollars + 5_000) // 10_000, 100)
        return f"{sign}{whole:,}.{hundredths:02d} M"
    return f"{sign}{(dollars + 500) // 1_000} k" if dollars >= 10_000 else f"{sign}{dollars:,}"


def value(amount: Value) -> str:
    """An exact value in dollars, to the nearest cent."""
    return money(value_cents(amount))


def price(amount: Price | None) -> str:
    """`417.80`: dollars with two to four decimals as needed, truncated; `–` for None."""
    if amount is None:
        return "–"
    tenths = amount // 100_000
    whole, fraction = divmod(tenths, 10_000)
    digits = f"{fraction:04d}"
    return f"{whole:,}.{digits[:2]}{digits[2:].rstrip('0')}"


def aligned_prices(amounts: Sequence[Price | None]) -> list[str]:
    """Format the prices of a right-aligned column; blanks at the end put their decimal points below each other."""
    texts = [price(amount) for amount in amounts]
    behind = [len(text.partition(".")[2]) for text in texts]
    most = max(behind, default=0)
    return [f"{text}{' ' * (most - count if count else 0)}" for text, count in zip(texts, behind, strict=True)]


def qty(shares: Qty, decimals: int = 4) -> str:
    """`72.8654`: shares, rounded to `decimals` decimal places; half of the last one is rounded away from zero."""
    unit = 10 ** (9 - decimals)
    shown = (abs(shares) + unit // 2) // unit
    whole, fraction = divmod(shown, 10**decimals)
    behind = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{'-' if shares < 0 < shown else ''}{whole:,}{behind}"


def percent(hundredths: int) -> str:
    """`60.00`: a percentage given in hundredths of a percent."""
    sign = "-" if hundredths < 0 else ""
    whole, fraction = divmod(abs(hundredths), 100)
    return f"{sign}{whole}.{fraction:02d}"


def drift(hundredths: int) -> str:
    """`+5.42`, `-0.30`, `0.00`: a drift given in hundredths of a percentage point."""
    return f"+{percent(hundredths)}" if hundredths > 0 else percent(hundredths)


def band_percent(tenths: int) -> str:
    """`108 %`: a band usage given in tenths of a percent, rounded to the nearest percent, but away from 100 %: usage
    below 100 % never reads 100 %, and usage above it never reads 100 %.
    """
    nearest = (tenths + 5) // 10
    if nearest == 100 and tenths != 1_000:
        nearest = 99 if tenths < 1_000 else 101
    return f"{nearest} %"


def clock(at: datetime) -> str:
    """`10:45:12` in New York."""
    return at.astimezone(NEW_YORK).strftime("%H:%M:%S")


def minute(at: datetime) -> str:
    """`10:45` in New York."""
    return at.astimezone(NEW_YORK).strftime("%H:%M")


def day(when: date | None, year: int | None = None) -> str:
    """`02 Jan`; `never` for None. With `year`, the current one, a day of another year has its own: `31 Dec 25`."""
    if when is None:
        return "never"
    other = f" {when.year % 100:02d}" if year not in (None, when.year) else ""
    return f"{when.day:02d} {MONTHS[when.month - 1]}{other}"


def timestamp(at: datetime | None) -> str:
    """`02 Jan 10:45:12` in New York; `–` for None."""
    if at is None:
        return "–"
    local = at.astimezone(NEW_YORK)
    return f"{day(local.date())} {local.strftime('%H:%M:%S')}"


def short_timestamp(at: datetime | None) -> str:
    """`02 Jan 10:45` in New York; `–` for None."""
    return timestamp(at)[:-3] if at is not None else "–"


def day_time(at: datetime) -> str:
    """`Fri 27 Nov 09:30` in New York."""
    return weekday_time_text(at)


def short_id(identifier: str | None) -> str:
    """The first 8 characters of an id; `–` for None."""
    return identifier[:8] if identifier else "–"


def duration(seconds: int) -> str:
    """`2 d 3 h`, `4 h 48 m`, `48 m`, `12 s`; days from 48 hours."""
    if seconds < 60:
        return f"{max(seconds, 0)} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} m"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} m"
    return f"{hours // 24} d {hours % 24} h"


def words(code: str) -> str:
    """A code in words: `full_rebalance` becomes `full rebalance`, `NOT_IN_PORTFOLIO` becomes `not in portfolio`.

    `ACH` keeps its capitals.
    """
    return code.replace("_", " ").lower().replace("ach return", "ACH return")


def grouped(figure: str) -> str:
    """Add thousands separators: `-13000.5` becomes `-13,000.5`. Text that is not a number is unchanged."""
    whole, point, part = figure.partition(".")
    digits = whole.removeprefix("-")
    return f"{whole[: len(whole) - len(digits)]}{int(digits):,}{point}{part}" if digits.isdecimal() else figure


def worth(value: Money, at: Price | None) -> str:
    """The value of a holding in dollars; `–` if the asset has no price (`at` is None)."""
    return "–" if at is None else money(value)
