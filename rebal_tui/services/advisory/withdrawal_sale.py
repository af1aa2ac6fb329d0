"""What a withdrawal sells: an amount, or everything (R-23, R-32)."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.domain.cash import Owner, OwnerKind
from rebal_tui.domain.decisions import LineReason, Plan
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import (
    HUNDRED_PERCENT,
    NANO,
    Money,
    Percent,
    Qty,
    Value,
    ceil_cents,
    floor_cents,
    qty_text,
)
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.liquidation import AmountTooLarge
from rebal_tui.engine.trace_text import money, money_down
from rebal_tui.services.advisory.cash import transferable
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import keeping
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.evaluation.planning import holdings, plan_run, too_large_text, unpriced
from rebal_tui.store import reservations

ALL_CASH = Weights((), HUNDRED_PERCENT)
"""The weights that close every position."""


@dataclass(frozen=True, slots=True)
class Sale:
    """The run that raises the cash of a withdrawal: its type, target weights, amount and current plan.

    `plan` is None when a price is missing and settled cash covers the withdrawal without a sale.
    """

    type: RunType
    weights: Weights
    amount: Money | None
    plan: Plan | None


def sale_of_amount(book: Book, account_id: str, portfolio_id: str | None, amount: Money, withdrawal_id: str) -> Sale:
    """The sale that raises the part of `amount` for which the withdrawal has no cash reserved yet.

    A second or later sale raises the missing amount, rounded up to a whole cent if the account can raise that.
    Otherwise a small fall of a price could leave less than a cent to raise by one more sale.

    Raises `Conflict` when the account cannot raise the amount, and when a price is missing and the settled cash that
    nobody else has reserved does not cover the whole amount. Raises `BrokerUnavailable`.
    """
    own = reservations.reserved_by(book.database, account_id, Owner(OwnerKind.WITHDRAWAL, withdrawal_id))
    missing, weights = Money(amount - own), weights_of(book, account_id, portfolio_id)
    without_price = unpriced(holdings(book, account_id))
    if without_price:
        ready = transferable(book, account_id, withdrawal_id)
        if ready < amount:
            raise Conflict(
                f"no price for {', '.join(without_price)}: the account cannot be valued, and only "
                f"{money_down(ready)} of settled cash is not reserved"
            )
        return Sale(RunType.PARTIAL_LIQUIDATION, weights, missing, None)
    try:
        return _sale(book, account_id, weights, ceil_cents(missing) if own else missing)
    except Conflict as refusal:
        cause = refusal.__cause__
        if not isinstance(cause, AmountTooLarge):
            raise
        if cause.max_amount >= missing:
            return _sale(book, account_id, weights, missing)
        others = Money(book.reserved(account_id) - own)
        raise Conflict(too_large_text(Money(own + cause.max_amount), others)) from cause


def _sale(book: Book, account_id: str, weights: Weights, amount: Money) -> Sale:
    plan = plan_run(book, account_id, RunType.PARTIAL_LIQUIDATION, weights, amount)
    return Sale(RunType.PARTIAL_LIQUIDATION, weights, amount, plan)


def sale_of_everything(book: Book, account_id: str) -> Sale:
    """The sale of every position in full; assets that cannot be traded now remain in the account (R-32)."""
    plan = plan_run(book, account_id, RunType.FULL_REBALANCE, ALL_CASH)
    return Sale(RunType.FULL_REBALANCE, ALL_CASH, None, plan)


def worth_of_everything(book: Book, account_id: str) -> Money:
    """What a withdrawal of everything would pay out at current prices, rounded down to cents.

    Raises `Conflict` while cash of the account is reserved or a restriction keeps assets from being sold, and when
    there is nothing to withdraw.
    """
    held = reservations.of_account(book.database, account_id)
    if held:
        owners = ", ".join(f"{money(reservation.amount)} by {reservation.owner.text}" for reservation in held)
        raise Conflict(f"everything cannot be withdrawn while cash is reserved: {owners}")
    kept = [f"{one.symbol or 'all assets'}: {one.text}" for one in keeping(book, account_id)]
    if kept:
        raise Conflict(f"everything cannot be withdrawn while restrictions keep assets: {'; '.join(kept)}")
    plan = sale_of_everything(book, account_id).plan
    proceeds = 0 if plan is None else plan.sold
    worth = floor_cents(Value((book.account(account_id).cash + proceeds) * NANO))
    if worth <= 0:
        raise Conflict("the account has nothing to withdraw")
    return worth


def remaining_text(plan: Plan) -> str:
    """The holdings that a sale of everything leaves, as text with quantity and reason of each; empty without any."""
    left = []
    for line in plan.lines:
        rest = Qty(line.held - (line.qty or 0))
        if rest > 0:
            fraction = line.qty or line.reason is LineReason.FRACTION_NOT_SELLABLE
            why = "a fraction of a share cannot be sold" if fraction else line.detail
            left.append(f"{line.symbol} {qty_text(rest)} ({why})")
    return ", ".join(left)


def weights_of(book: Book, account_id: str, portfolio_id: str | None) -> Weights:
    """The portfolio's weights; without a portfolio, the current proportions of the account's holdings."""
    if portfolio_id is not None:
        return book.portfolio(portfolio_id).weights
    valuation = value_of(book, account_id)
    total = sum(valuation.values.values())
    if total <= 0:
        return ALL_CASH
    held = sorted(valuation.values.items(), key=lambda item: (-item[1], item[0]))
    percents = [(symbol, int(value) * HUNDRED_PERCENT // int(total)) for symbol, value in held]
    rest = HUNDRED_PERCENT - sum(percent for _, percent in percents)
    rounded = [(symbol, percent + (rest if index == 0 else 0)) for index, (symbol, percent) in enumerate(percents)]
    return Weights(tuple(AssetWeight(symbol, Percent(percent)) for symbol, percent in rounded if percent > 0))
