"""What a corporate action does to a price and to a holding, in exact arithmetic (R-54, R-56).

Shares are rounded down to a billionth, prices to the nearest billionth of a dollar. So equity before and after an
action differs by at most the price of a billionth of a share plus a billionth of a dollar for each share.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.quantities import CENT, NANO, Money, Price, Qty


@dataclass(frozen=True, slots=True)
class Terms:
    """A corporate action with the prices needed to compute its effect.

    `price` is the asset's price before the action, `new_price` that of the asset received; None when unknown.
    `fractionable` and `new_fractionable`: whether an account can hold fractions of a share of the asset, and of the
    asset received.
    """

    action: CorporateAction
    price: Price | None
    fractionable: bool
    new_price: Price | None = None
    new_fractionable: bool = True

    @property
    def price_after(self) -> Price | None:
        """The asset's price after the action, at least a billionth of a dollar; None when unknown."""
        return None if self.price is None else _rounded(self.price * self.price_factor)

    @property
    def price_factor(self) -> Fraction:
        """Price after the action ÷ price before. A spin-off lowers the price by ratio × the new asset's price.

        For a spin-off without both prices it is 1.
        """
        action = self.action
        if action.kind is ActionKind.SPIN_OFF and self.price and action.price:
            return 1 - action.price * action.rate / self.price
        return 1 / action.shares_factor


@dataclass(frozen=True, slots=True)
class Holding:
    """An account's shares of the asset that a corporate action is about, and `average`, their average entry price.

    `average` is None when unknown. `entitled` are the shares held at the open of the day; a dividend is paid on these.
    """

    qty: Qty
    average: Price | None
    entitled: Qty


@dataclass(frozen=True, slots=True)
class Effect:
    """The result of an action for one account: shares of the asset, shares of another asset received, and cash paid.

    `average` is the average entry price of the shares of the asset, `received_average` that of the shares received;
    None when unknown.
    """

    qty: Qty
    average: Price | None
    received: Qty = Qty(0)
    received_average: Price | None = None
    paid: Money = Money(0)


def effect_of(terms: Terms, held: Holding) -> Effect:
    """What a holding becomes by a corporate action: shares kept, shares of another asset received, and cash paid."""
    action, average = terms.action, held.average
    match action.kind:
        case ActionKind.SPLIT | ActionKind.STOCK_DIVIDEND:
            qty, paid = _whole(held.qty * action.shares_factor, terms.fractionable, terms.price_after)
            return Effect(qty, _scaled(average, terms.price_factor), paid=paid)
        case ActionKind.CASH_DIVIDEND:
            return Effect(held.qty, average, paid=dividend(held.entitled, action.amount or Price(0)))
        case ActionKind.SPIN_OFF:
            received, paid = _whole(held.qty * action.rate, terms.new_fractionable, terms.new_price)
            cost = None if average is None or not terms.price else Fraction(average, terms.price) * (action.price or 0)
            return Effect(
                held.qty, _scaled(average, terms.price_factor), received, None if cost is None else _rounded(cost), paid
            )
        case ActionKind.STOCK_MERGER:
            received, paid = _whole(held.qty * action.rate, terms.new_fractionable, terms.new_price)
            return Effect(Qty(0), None, received, _scaled(average, 1 / action.rate), paid)
        case ActionKind.CASH_MERGER | ActionKind.DELISTING:
            return Effect(Qty(0), None, paid=Money(held.qty * (action.amount or 0) // NANO))
        case ActionKind.SYMBOL_CHANGE:
            return Effect(held.qty, average)


def dividend(shares: Qty, amount: Price) -> Money:
    """The cash dividend in dollars: shares times dollars per share, rounded to the cent, half to even."""
    return Money(round(Fraction(shares * amount, NANO * CENT)) * CENT)


def _whole(shares: Fraction, fractionable: bool, price: Price | None) -> tuple[Qty, Money]:
    """Shares that can be held, and the cash paid for the fraction of an asset that is held in whole shares."""
    if fractionable:
        return Qty(int(shares)), Money(0)
    whole = int(shares) // NANO * NANO
    return Qty(whole), Money(int((shares - whole) * (price or 0)) // NANO)


def _scaled(price: Price | None, factor: Fraction) -> Price | None:
    return None if price is None else _rounded(price * factor)


def _rounded(price: Fraction) -> Price:
    return Price(max(1, round(price)))
