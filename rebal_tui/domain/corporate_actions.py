"""Corporate actions: what a company does with its shares (R-54)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money, Price, parse_scaled, price_text
from rebal_tui.domain.text import count_text


class ActionKind(StrEnum):
    SPLIT = "split"
    CASH_DIVIDEND = "cash_dividend"
    STOCK_DIVIDEND = "stock_dividend"
    SPIN_OFF = "spin_off"
    SYMBOL_CHANGE = "symbol_change"
    CASH_MERGER = "cash_merger"
    STOCK_MERGER = "stock_merger"
    DELISTING = "delisting"

    @property
    def label(self) -> str:
        """The kind as text, such as `stock dividend`."""
        return self.value.replace("_", " ")

    @property
    def explains_any_move(self) -> bool:
        """Whether an action of this kind explains a price change of any size on the day on which it takes effect
        (R-55).
        """
        return self in (self.SPIN_OFF, self.CASH_MERGER, self.STOCK_MERGER, self.DELISTING)


REQUIRED: Mapping[ActionKind, tuple[str, ...]] = {
    ActionKind.SPLIT: ("ratio",),
    ActionKind.CASH_DIVIDEND: ("amount",),
    ActionKind.STOCK_DIVIDEND: ("ratio",),
    ActionKind.SPIN_OFF: ("ratio", "new_symbol", "price"),
    ActionKind.SYMBOL_CHANGE: ("new_symbol",),
    ActionKind.CASH_MERGER: ("amount",),
    ActionKind.STOCK_MERGER: ("ratio", "new_symbol"),
    ActionKind.DELISTING: (),
}
"""The fields that each kind needs besides its symbol."""
OPTIONAL: Mapping[ActionKind, tuple[str, ...]] = {
    ActionKind.STOCK_MERGER: ("price",),
    ActionKind.DELISTING: ("amount",),
}
"""Further fields that a kind accepts: the first price of a new asset, and what a removal pays."""
FIELDS = ("ratio", "amount", "new_symbol", "price")
MAX_RATIO = 1_000_000
"""Ratios are from 1:MAX_RATIO to MAX_RATIO:1."""
_RATIO_EXPECTED = 'expected a ratio above 0 such as "10", "1.5", "3:2" or "1:8"'


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """A corporate action of one asset. Raises `Invalid` naming every field that is missing, unexpected or out of range.

    `ratio` is new shares ÷ old shares for splits, else shares received per share held. `amount` is dollars per share,
    `price` the new asset's first price in dollars; both are above 0 and in billionths of a dollar.
    """

    kind: ActionKind
    symbol: str
    ratio: Fraction | None = None
    amount: Price | None = None
    new_symbol: str | None = None
    price: Price | None = None

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in FIELDS}
        if faults := field_faults(self.kind, self.symbol, given):
            raise Invalid(faults)

    @property
    def rate(self) -> Fraction:
        """The action's `ratio` of shares, but never None. Raises `Invalid` for an action without one."""
        if self.ratio is None:
            raise Invalid([Fault("ratio", f"a {self.kind.label} has no ratio")])
        return self.ratio

    @property
    def new(self) -> str:
        """The `new_symbol` of the action. Raises `Invalid` for an action without one."""
        if self.new_symbol is None:
            raise Invalid([Fault("new_symbol", f"a {self.kind.label} has no new symbol")])
        return self.new_symbol

    @property
    def shares_factor(self) -> Fraction:
        """Shares of the same asset after the action per share before: 10 for a `10:1` split, 1 when none are added."""
        if self.kind is ActionKind.SPLIT:
            return self.rate
        return 1 + self.rate if self.kind is ActionKind.STOCK_DIVIDEND else Fraction(1)

    @property
    def text(self) -> str:
        """The action in a few words, such as `SPY 10 for 1` or `KO pays $0.485 a share`."""
        amount = price_text(self.amount) if self.amount is not None else "0"
        match self.kind:
            case ActionKind.SPLIT:
                return f"{self.symbol} {self.rate.numerator} for {self.rate.denominator}"
            case ActionKind.CASH_DIVIDEND:
                return f"{self.symbol} pays ${amount} a share"
            case ActionKind.STOCK_DIVIDEND:
                return f"{self.symbol} stock dividend of {ratio_text(self.rate)} a share"
            case ActionKind.SPIN_OFF:
                return f"{self.symbol} spins off {self.new}, {ratio_text(self.rate)} a share"
            case ActionKind.SYMBOL_CHANGE:
                return f"{self.symbol} becomes {self.new}"
            case ActionKind.CASH_MERGER:
                return f"{self.symbol} is bought for ${amount} a share"
            case ActionKind.STOCK_MERGER:
                return f"{self.symbol} merges into {self.new}, {ratio_text(self.rate)} a share"
            case ActionKind.DELISTING:
                return f"{self.symbol} is delisted" + (f" for ${amount} a share" if self.amount else ", worthless")


@dataclass(frozen=True, slots=True)
class ActionReport:
    """What a corporate action did in a book.

    `accounts` is the number of accounts that hold the asset; in `unexplained` of them, the action does not account for
    the shares that the broker reports. `paid` is the total cash in dollars.
    """

    id: str
    action: CorporateAction
    accounts: int
    unexplained: int
    canceled_orders: int
    paid: Money

    @property
    def text(self) -> str:
        """The report in a line, such as `SPY 10 for 1: 412 accounts, 0 unexplained`."""
        return f"{self.action.text}: {count_text(self.accounts, 'account')}, {self.unexplained:,} unexplained"


def field_faults(kind: ActionKind, symbol: str, given: Mapping[str, object]) -> list[Fault]:
    """The faults of the fields of an action: those missing, unexpected or out of range for its kind.

    `given` has the values by field name; None means absent.
    """
    required, allowed = REQUIRED[kind], (*REQUIRED[kind], *OPTIONAL.get(kind, ()))
    faults = [Fault(name, f"{name} is required for a {kind.label}") for name in required if given.get(name) is None]
    faults += [
        Fault(name, f"a {kind.label} has no {name}; expected {' and '.join(('kind', 'symbol', *allowed))}")
        for name in FIELDS
        if given.get(name) is not None and name not in allowed
    ]
    ratio = given.get("ratio")
    if isinstance(ratio, Fraction):
        if not Fraction(1, MAX_RATIO) <= ratio <= MAX_RATIO:
            faults.append(Fault("ratio", f"expected a ratio from 1:{MAX_RATIO} to {MAX_RATIO}:1"))
        elif kind is ActionKind.SPLIT and ratio == 1:
            faults.append(Fault("ratio", "expected another ratio than 1:1 for a split"))
    for name in ("amount", "price"):
        value = given.get(name)
        if isinstance(value, int) and value <= 0:
            faults.append(Fault(name, "expected dollars above 0"))
    if given.get("new_symbol") == symbol:
        faults.append(Fault("new_symbol", f"expected another symbol than {symbol}"))
    return faults


def parse_ratio(text: str) -> Fraction:
    """A ratio such as `10`, `1.5`, `3:2` or `1:8`: one or two numbers above 0, each with at most nine decimals.

    Raises `ValueError` with the expected form.
    """
    parts = text.split(":")
    try:
        numbers = [Fraction(parse_scaled(part, 9), 10**9) for part in parts]
    except ValueError:
        raise ValueError(_RATIO_EXPECTED) from None
    if len(numbers) > 2 or min(numbers) <= 0:
        raise ValueError(_RATIO_EXPECTED)
    return numbers[0] / numbers[1] if len(numbers) == 2 else numbers[0]


def ratio_text(ratio: Fraction) -> str:
    """The ratio in the form that `parse_ratio` reads, such as `10` or `3:2`."""
    return str(ratio.numerator) if ratio.denominator == 1 else f"{ratio.numerator}:{ratio.denominator}"


@dataclass(frozen=True, slots=True)
class DatedAction:
    """A corporate action that takes effect at the open of `day`; `line` is its line number in the file read."""

    day: date
    action: CorporateAction
    line: int
