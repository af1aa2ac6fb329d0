"""Review of closes before a replay: price jumps (R-55), missing closes, symbols that end, days without a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction, DatedAction
from rebal_tui.domain.errors import Conflict, Fault
from rebal_tui.domain.quantities import Price, format_scaled
from rebal_tui.domain.text import count_text
from rebal_tui.engine.price_jumps import PriceJump, adjusted_close, price_jump
from rebal_tui.market.closes import Closes
from rebal_tui.services.simulation.closes_arrangement import ArrangedCloses

MAX_LISTED = 50
"""Jumps and notes listed one by one; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class JumpDay:
    """A price jump of a symbol: its close on `day` compared with its close on `last_day`.

    `expected` is the last close adjusted for corporate actions since, in billionths of a dollar.
    """

    symbol: str
    day: date
    price: Price
    last_day: date
    last_close: Price
    expected: Fraction
    jump: PriceJump

    @property
    def ratio_text(self) -> str:
        """The close divided by the adjusted last close, rounded to six decimals, such as `0.1`."""
        return format_scaled(round(self.jump.factor * 1_000_000), 6)

    def __str__(self) -> str:
        like = f", as after a {self.jump.split_text}" if self.jump.split_text else ""
        adjusted = ""
        if self.expected != self.last_close:
            adjusted = f" ({dollars_text(Price(round(self.expected)))} after corporate actions)"
        return (
            f"the close {dollars_text(self.price)} is {self.ratio_text} times the last one, "
            f"{dollars_text(self.last_close)} on {self.last_day}{adjusted}{like}"
        )


def dollars_text(price: Price) -> str:
    """A price with thousands separators and at least two decimals, such as `$1,000.00`."""
    whole, _, decimals = format_scaled(price, 9, 2).partition(".")
    return f"${int(whole):,}.{decimals}"


@dataclass(frozen=True, slots=True)
class _Last:
    """The last close of a symbol; `expected` is adjusted for actions since, None when they explain any move."""

    day: date
    close: Price
    expected: Fraction | None


def find_jumps(
    closes: Closes, sessions: Sequence[date], actions: Mapping[date, Sequence[DatedAction]]
) -> list[JumpDay]:
    """Every price jump between two closes of a symbol in the sessions, except those explained by an action (R-55).

    Sorted by day and symbol. A close is compared with the last close before it, even across missing closes. The first
    close of an asset that a spin-off creates is compared with the price that the action gives it.
    """
    rows = {day: list(closes.priced(position)) for position, day in enumerate(closes.days)}
    last: dict[str, _Last] = {}
    found = []
    for day in sessions:
        for dated in actions.get(day, ()):
            _explain(last, dated.action, day)
        for symbol, price in rows.get(day, ()):
            before = last.get(symbol)
            if before is not None and before.expected is not None:
                jump = price_jump(before.expected, price)
                if jump is not None:
                    found.append(JumpDay(symbol, day, price, before.day, before.close, before.expected, jump))
            last[symbol] = _Last(day, price, Fraction(price))
    return found


def _explain(last: dict[str, _Last], action: CorporateAction, day: date) -> None:
    """Adjust the last closes for an action, so that the move by the action is no jump."""
    if action.kind is ActionKind.SPIN_OFF and action.price is not None and action.new not in last:
        last[action.new] = _Last(day, action.price, Fraction(action.price))
    before = last.get(action.symbol)
    if before is None:
        return
    if action.kind is ActionKind.SYMBOL_CHANGE:
        last[action.new] = last.pop(action.symbol)
    elif before.expected is not None:
        last[action.symbol] = replace(before, expected=adjusted_close(before.expected, [action]))


def require_no_jumps(jumps: Sequence[JumpDay]) -> None:
    """Raise `Conflict` if there are jumps; the message names each with symbol, day and ratio, and how to resolve it."""
    if not jumps:
        return
    faults = [Fault(f"{jump.day}, {jump.symbol}", str(jump)) for jump in jumps[:MAX_LISTED]]
    if len(jumps) > MAX_LISTED:
        faults.append(Fault("", f"and {count_text(len(jumps) - MAX_LISTED, 'more price jump')}"))
    remedy = "correct the closes, add the corporate action to --actions, or accept them with --allow-jumps"
    faults.append(Fault("", f"stopped at {count_text(len(jumps), 'price jump')} that nothing explains: {remedy}"))
    raise Conflict(faults)


def closes_notes(arranged: ArrangedCloses, sessions: Sequence[date]) -> list[str]:
    """What a reader of the replay's results must know about the closes in the sessions, as sentences."""
    given = {day for day in arranged.closes.days if sessions[0] <= day <= sessions[-1]}
    notes = []
    for unmatched, noun, consequence in (
        (sorted(given.difference(sessions)), "day", "ignored: no trading session"),
        (sorted(set(sessions) - given), "session", "without trades: not in the file"),
    ):
        if unmatched:
            notes.append(f"{count_text(len(unmatched), noun)} {consequence} (first: {unmatched[0]})")
    wanted = set(sessions)
    gaps = [
        note
        for asset in arranged.assets
        for note in _gaps(asset.symbol, [(day, price) for day, price in asset.prices if day in wanted])
    ]
    if len(gaps) > MAX_LISTED:
        gaps[MAX_LISTED:] = [f"and {count_text(len(gaps) - MAX_LISTED, 'more note')} about missing closes"]
    return notes + gaps


def _gaps(symbol: str, prices: Sequence[tuple[date, Price | None]]) -> Iterator[str]:
    """Sentences about the days on which a symbol has no close.

    They are before its first close, between two closes, or after its last.
    """
    priced = [(index, price) for index, (_, price) in enumerate(prices) if price is not None]
    if not priced:
        yield f"{symbol} has no close"
        return
    first, (last, price) = priced[0][0], priced[-1]
    if first > 0:
        yield f"{symbol} has no close before {prices[first][0]}"
    missing = [day for day, price in prices[first:last] if price is None]
    if missing:
        yield f"{symbol} has no close on {count_text(len(missing), 'session')} (first: {missing[0]})"
    if last < len(prices) - 1:
        yield (
            f"{symbol} has no close since {prices[last + 1][0]}: valued at its last one, "
            f"{dollars_text(price)} on {prices[last][0]}"
        )
