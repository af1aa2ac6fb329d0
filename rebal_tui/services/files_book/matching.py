"""What a positions file changes: fills, flows of cash, and differences that a person must look at (R-75).

The fills are found by comparing the file with the book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rebal_tui.broker.files.records import StoredOrder
from rebal_tui.broker.files.statement import StatedAccount
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import NANO, Money, Price, Qty


@dataclass(frozen=True, slots=True)
class FoundFill:
    """A fill found by comparing positions: the order, its shares, and the file's price."""

    order: StoredOrder
    qty: Qty
    price: Price


@dataclass(frozen=True, slots=True)
class SymbolChange:
    """Shares of a symbol before and after a positions file.

    `unexplained` is the part of the change, positive or negative, that no order explains.
    """

    symbol: str
    before: Qty
    after: Qty
    unexplained: int


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What a positions file changes in an account that the book has.

    `flow` is the change of cash that the fills, at the prices of the file, do not explain. `closes` are open orders of
    the account that end because other orders of the account were filled.
    """

    symbols: tuple[SymbolChange, ...]
    fills: tuple[FoundFill, ...]
    closes: tuple[StoredOrder, ...]
    cash_before: Money
    cash_after: Money
    flow: Money

    @property
    def changed(self) -> bool:
        """Whether the file changes anything in the account."""
        return bool(self.symbols or self.fills or self.closes or self.cash_before != self.cash_after)

    @property
    def differences(self) -> tuple[SymbolChange, ...]:
        """The changes that no order explains, which a person must review."""
        return tuple(change for change in self.symbols if change.unexplained)


def account_change(
    stated: StatedAccount,
    held: Mapping[str, Qty],
    cash: Money,
    orders: Sequence[StoredOrder],
    prices: Mapping[str, Price],
) -> AccountChange:
    """Compare an account of a positions file with the book; `orders` are the account's open orders on trade lists.

    `prices` are used for fills of symbols without a price in the file.
    """
    after = {holding.symbol: holding.qty for holding in stated.holdings}
    priced = {**prices, **{holding.symbol: holding.price for holding in stated.holdings if holding.price is not None}}
    symbols: list[SymbolChange] = []
    fills: list[FoundFill] = []
    for symbol in sorted({*held, *after}):
        change = after.get(symbol, 0) - held.get(symbol, 0)
        if not change:
            continue
        left = change
        price = priced.get(symbol)
        for order in orders:
            if order.symbol != symbol or price is None or (left > 0) != (order.side is Side.BUY) or not left:
                continue
            qty = Qty(min(abs(left), order.left))
            if qty:
                fills.append(FoundFill(order, qty, price))
                left -= qty if left > 0 else -qty
        symbols.append(SymbolChange(symbol, held.get(symbol, Qty(0)), after.get(symbol, Qty(0)), left))
    explained = sum(
        -(-fill.qty * fill.price // NANO) * -1 if fill.order.side is Side.BUY else fill.qty * fill.price // NANO
        for fill in fills
    )
    filled = {fill.order.n: fill.qty for fill in fills}
    closes = tuple(order for order in orders if fills and order.left > filled.get(order.n, 0))
    return AccountChange(tuple(symbols), tuple(fills), closes, cash, stated.cash, Money(stated.cash - cash - explained))
