"""The sizes of a run's buys, paid from the cash after the run's sells (R-20).

On a trade list the sells have not filled when the buys are written, so their expected proceeds count, too (R-73).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import NANO, Money, Price, Qty
from rebal_tui.domain.runs import Run
from rebal_tui.engine.buys import resize_buys
from rebal_tui.services.book.book import Book
from rebal_tui.services.runs.listed_quantities import listed_qty
from rebal_tui.store import run_orders


@dataclass(frozen=True, slots=True)
class BuySizes:
    """The buys of a run: dollars by symbol, and in `shares` the quantities of those that are ordered by quantity.

    `dropped` has, by symbol, the dollars of buys that are too small to be made. `scale` is the common factor by which
    the buys were cut, as (numerator, denominator). `source` names what pays for the buys, as text.
    """

    amounts: dict[str, Money]
    dropped: dict[str, Money]
    scale: tuple[int, int]
    source: str
    shares: Mapping[str, Qty]

    def size_of(self, symbol: str) -> tuple[Money | None, Qty | None]:
        """The size of the order for a symbol, as (dollars, shares); exactly one of them is not None."""
        shares = self.shares.get(symbol)
        return (self.amounts[symbol], None) if shares is None else (None, shares)


def size_buys(book: Book, run: Run, plan: Plan) -> BuySizes:
    """The buys that a run can pay for from cash after its sells; on a trade list, also from their expected proceeds."""
    cash = Money(book.accounts[run.account_id].cash - book.reserved(run.account_id))
    if not book.settings.one_list:
        sized = resize_buys(plan, cash)
        return BuySizes(sized.amounts, sized.dropped, sized.scale, "the account's cash", sized.shares)
    prices = {line.symbol: line.price or Price(0) for line in plan.lines}
    proceeds = sum(
        Qty((order.qty or 0) - order.filled_qty) * prices[order.symbol] // NANO
        for _, order, _ in run_orders.of_run(book.database, run.id)
        if order.side is Side.SELL
    )
    sized = resize_buys(plan, Money(cash + plan.rules.expected(Money(proceeds))))
    source = "cash and the expected proceeds of the sells"
    return _listed(BuySizes(sized.amounts, sized.dropped, sized.scale, source, sized.shares), prices)


def _listed(sizes: BuySizes, prices: Mapping[str, Price]) -> BuySizes:
    """The buys of `sizes` as quantities of shares, because a trade list has no orders by amount."""
    shares = {
        symbol: sizes.shares.get(symbol) or Qty(listed_qty(amount * NANO // prices[symbol]))
        for symbol, amount in sizes.amounts.items()
    }
    amounts = {symbol: amount for symbol, amount in sizes.amounts.items() if shares[symbol]}
    return replace(sizes, amounts=amounts, shares=shares)
