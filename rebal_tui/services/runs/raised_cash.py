"""The cash that a partial_liquidation has raised, and its owner (R-23)."""

from __future__ import annotations

from rebal_tui.domain.cash import Owner, OwnerKind, Withdrawal
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import NANO, Money, nearest_cents
from rebal_tui.domain.runs import Run, RunType
from rebal_tui.engine.cash_raising import spare_cash
from rebal_tui.engine.trace_text import money, money_down
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.store import cash, fills, plan_inputs, reservations, run_orders


def raised_cash(book: Book, run: Run) -> Money:
    """The cash that a run has raised: cash that its plan used plus proceeds of its sells, at most `needed_cash`.

    The cash used is the excess over the cash target. If assets cannot raise the rest of the amount, cash of the cash
    target is used, too. The result is never more than the booked cash less reservations. It is 0 for a run that was not
    planned yet, and for other types than partial_liquidation.
    """
    if run.type is not RunType.PARTIAL_LIQUIDATION or run.amount is None:
        return Money(0)
    plan, inputs = plan_of(book.database, run), plan_inputs.inputs(book.database, run.id)
    if plan is None or inputs is None:
        return Money(0)
    excess = spare_cash(Money(inputs.cash - inputs.reserved), plan.cash_target)
    brought = _brought(book, run)
    # A real broker reports the cash of an account later than its fills.
    booked = book.accounts[run.account_id].cash if book.live is None else inputs.cash + brought
    unreserved = booked - book.reserved(run.account_id)
    return Money(max(0, min(max(excess, run.amount - plan.sold) + brought, needed_cash(book, run), unreserved)))


def needed_cash(book: Book, run: Run) -> Money:
    """The cash that a partial_liquidation must raise: its amount, or what its withdrawal still lacks if that is less.

    A withdrawal lacks what it has not reserved yet. The amount of its second or a later run is rounded up to the cent.
    """
    amount = run.amount or Money(0)
    withdrawal = _withdrawal(book, run)
    if withdrawal is None:
        return amount
    own = reservations.reserved_by(book.database, run.account_id, Owner(OwnerKind.WITHDRAWAL, withdrawal.id))
    return Money(min(amount, max(0, withdrawal.amount - own)))


def _brought(book: Book, run: Run) -> int:
    """The proceeds of a run's sells, in billionths of a dollar.

    Taken from the executions or from the order states, whichever is more, because an order's state may arrive first.
    """
    executed = sum(fill.amount for fill in fills.of_run(book.database, run.id) if fill.side is Side.SELL)
    sells = (order for _, order, _ in run_orders.of_run(book.database, run.id) if order.side is Side.SELL)
    return max(executed, sum(order.filled_qty * (order.filled_avg_price or 0) // NANO for order in sells))


def shortfall_text(book: Book, run: Run, raised: Money) -> str:
    """A text with the cash raised and the run's amount, if less was raised than `needed_cash`; else empty."""
    if run.amount is None or raised >= needed_cash(book, run):
        return ""
    shown = money(raised) if nearest_cents(raised) < nearest_cents(run.amount) else money_down(raised)
    return f"{shown} of {money(run.amount)} raised and reserved"


def owner_of(book: Book, run: Run) -> Owner:
    """The owner of the cash that a run raises: the withdrawal for which it sells, else the run itself."""
    withdrawal = _withdrawal(book, run)
    return Owner(OwnerKind.RUN, run.id) if withdrawal is None else Owner(OwnerKind.WITHDRAWAL, withdrawal.id)


def _withdrawal(book: Book, run: Run) -> Withdrawal | None:
    """The open withdrawal for which a run sells."""
    withdrawal = cash.open_withdrawal(book.database, run.account_id)
    return withdrawal if withdrawal is not None and withdrawal.run_id == run.id else None
