"""What changed an account's holdings without an order of rebal-tui: executions of other orders, corporate actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import Money, Qty, nearest_cents
from rebal_tui.services.book.book import Book
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.model import Entry
from rebal_tui.services.reports.texts import money, price_cell, shares
from rebal_tui.store import fills


def outside_entries(book: Book, account_id: str, trail: AuditIndex) -> Iterator[Entry]:
    """An account's executions of orders placed outside rebal-tui, oldest first."""
    for fill in fills.outside(book.database, account_id):
        verb, cash = ("Sold", "added to cash") if fill.side is Side.SELL else ("Bought", "paid from cash")
        sentence = (
            f"{verb} {shares(fill.qty)} {fill.symbol} at {price_cell(fill.price)} outside rebal-tui: "
            f"{money(nearest_cents(fill.amount))} {cash} (order {fill.client_order_id or fill.order_id})."
        )
        recorded = trail.about([fill.execution_id])
        yield Entry(fill.at, "broker", sentence, audit=recorded[0].seq if recorded else None)


def action_notes(account_id: str, detail: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences on what a corporate action did to an account, from the detail of its audit entry.

    Empty if the detail has no figures of the account.
    """
    changes: Sequence[tuple[str, int, int, int, int]] = detail.get("changes", ())
    parts = []
    for named, held, qty, received, paid in changes:
        if named == account_id:
            parts.append(f"{shares(Qty(held))} shares became {shares(Qty(qty))}" if qty != held else "")
            parts.append(f"{shares(Qty(received))} shares of the new asset received" if received else "")
            parts.append(f"{money(Money(paid))} paid in cash" if paid else "")
    told = [part for part in parts if part]
    return (f"In this account: {'; '.join(told)}.",) if told else ()
