"""Fills of a trade list, from a transactions file or entered by hand (R-75)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rebal_tui.broker.files.changes import fill_order
from rebal_tui.broker.files.records import StoredOrder, load_orders, micros, time_of
from rebal_tui.broker.files.transactions import Kind, Transaction
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import Money, Price, Qty, qty_text
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.files_book.naming import account_id_of
from rebal_tui.services.files_book.pausing import pause

_TRADES = {Kind.BUY: Side.BUY, Kind.SELL: Side.SELL}
_REFERENCE = re.compile(r"L([0-9]{1,9})-([0-9]{1,9})", re.ASCII)
"""How a trade list writes list and line as the order's reference."""


@dataclass(slots=True)
class FillReport:
    """What importing a custodian's file of transactions has done.

    `booked` are the new fills as (number of the trade list, number of the line, shares). `known` is how many trades of
    the file an earlier import has booked. `flows` are the rows that are no trades, `unmatched` the trades that are on
    no trade list.
    """

    booked: list[tuple[int, int, Qty]] = field(default_factory=list)
    known: int = 0
    flows: list[Transaction] = field(default_factory=list)
    unmatched: list[Transaction] = field(default_factory=list)


def apply_fills(book: Book, transactions: Sequence[Transaction], account: str = "") -> FillReport:
    """Book the trades of a file as fills of trade lists, in one transaction; repeated rows change nothing.

    A trade is booked on lines with the same account, side and symbol, of lists made on the day of the trade or before.
    Flows (rows that are no trades) are reported and change no cash, because the next positions file has the cash after
    them. A trade that no line explains pauses its account. `account` names the account of a file without an account
    column: by number, label, or the last digits of a masked number. Raises `Conflict` for an account that is unknown or
    ambiguous.
    """
    report = FillReport()
    with book.write() as tx:
        paused: dict[str, list[str]] = {}
        seen: dict[str, int] = {}
        for row in transactions:
            account_id = _account_of(book, row.account or account)
            side = _TRADES.get(row.kind)
            if side is None:
                if row.kind is not Kind.SWEEP:
                    report.flows.append(row)
                continue
            if row.qty is None or row.price is None:
                report.unmatched.append(row)
                continue
            name = _execution(account_id, row, seen)
            if book.database.row("SELECT 1 FROM files_fills WHERE execution_id LIKE ?", (f"{name}.%",)):
                report.known += 1
                continue
            left, known = _book(tx, report, account_id, side, row, name)
            if left and not known:
                report.unmatched.append(row)
                text = f"line {row.line}: {side} {qty_text(left)} {row.symbol} is on no trade list"
                paused.setdefault(account_id, []).append(text)
        for account_id, texts in paused.items():
            pause(tx, account_id, "; ".join(texts))
        detail = {
            "booked": [[number, line, qty] for number, line, qty in report.booked],
            "flows": len(report.flows), "unmatched": len(report.unmatched), "known": report.known,
        }  # fmt: skip
        if report.booked or report.unmatched:
            tx.record("files.fills", "book", detail, "advisor")
        sync(book)
    return report


def fill_by_hand(book: Book, number: int, line: int, qty: Qty, price: Price, fees: Money) -> None:
    """Book one execution of line `line` of trade list `number`.

    Raises `NotFound` for an unknown line, and `Conflict` for more shares than are left to fill.
    """
    found = load_orders(book.database, "o.list = ? AND o.line = ?", (number, line))
    if not found:
        raise NotFound(f"list {number} has no line {line}")
    order = found[0]
    if order.status.final or qty > order.left:
        raise Conflict(f"line {line} has {qty_text(Qty(0 if order.status.final else order.left))} shares left to fill")
    with book.write() as tx:
        (count,) = tx.row("SELECT count(*) FROM files_fills WHERE order_n = ?", (order.n,)) or (0,)
        execution = f"hand-{number}-{line}-{count + 1}"
        fill_order(tx, book.database, order, qty, price, fees, micros(book.now()), execution)
        detail: dict[str, object] = {"line": line, "qty": qty, "price": price, "fees": fees}
        tx.record("files.filled_by_hand", str(number), detail, "advisor")
        sync(book)


def _book(
    tx: BookTransaction, report: FillReport, account_id: str, side: Side, row: Transaction, name: str
) -> tuple[Qty, bool]:
    """Book a trade on lines with shares left to fill.

    Returns the shares that no line took, and whether the comparison of positions explained the whole trade before.
    """
    book, left, price, fees = tx.book, row.qty or Qty(0), row.price or Price(1), row.fees
    candidates = _lines(book, account_id, side, row)
    for part, order in enumerate(candidates):
        qty = Qty(min(left, 0 if order.status.final else order.left))
        if qty:
            fill_order(tx, book.database, order, qty, price, fees, micros(book.now()), f"{name}.{part}")
            report.booked.append((order.list or 0, order.line or 0, qty))
            left, fees = Qty(left - qty), Money(0)
    found = any(_by_difference(book, order) for order in candidates)
    return left, found and left == row.qty


def _lines(book: Book, account_id: str, side: Side, row: Transaction) -> list[StoredOrder]:
    """The listed orders that a trade may belong to, oldest list first.

    The order that the trade's reference names comes before all others.
    """
    found = load_orders(
        book.database, "a.id = ? AND o.side = ? AND s.symbol = ? AND o.list IS NOT NULL",
        (account_id, side.value, row.symbol),
    )  # fmt: skip
    day, named = row.day, _REFERENCE.fullmatch(row.reference)
    line = (int(named[1]), int(named[2])) if named else None
    lines = [order for order in found if day is None or new_york_day(time_of(order.created_at)) <= day]
    return sorted(lines, key=lambda order: (order.list, order.line) != line)


def _by_difference(book: Book, order: StoredOrder) -> bool:
    row = book.database.row("SELECT 1 FROM files_fills WHERE order_n = ? AND execution_id LIKE 'import-%'", (order.n,))
    return row is not None


def _execution(account_id: str, row: Transaction, seen: dict[str, int]) -> str:
    """The execution id of a row, the same when an overlapping file repeats the row."""
    content = f"{account_id}|{row.day}|{row.kind}|{row.symbol}|{row.qty}|{row.price}|{row.amount}"
    number = seen[content] = seen.get(content, 0) + 1
    return hashlib.sha256(f"{content}|{number}".encode()).hexdigest()[:32]


def _account_of(book: Book, named: str) -> str:
    if not named.strip():
        raise Conflict("the file has no account: name it with --account")
    return account_id_of(book, named)
