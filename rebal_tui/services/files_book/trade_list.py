"""Trade lists: approved orders on a numbered list, written for a custodian, closed by fills or by a person (R-74)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rebal_tui.broker.files.changes import close_order, open_orders
from rebal_tui.broker.files.records import StoredOrder, load_orders, micros
from rebal_tui.broker.files.trade_lines import TradeLine, TradeList
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import Qty
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.store import runs
from rebal_tui.store.codec import parse_client_order_id


@dataclass(frozen=True, slots=True)
class ListState:
    """A trade list: the number of its lines, of lines filled in full, and of lines still open."""

    number: int
    lines: int
    filled: int
    open: int


def make_list(book: Book) -> int:
    """Put every approved order that is on no trade list on a new trade list; returns the number of that list.

    Lines are numbered by account, sells first, then by symbol. Raises `Conflict` when there is no such order.
    """
    waiting = waiting_orders(book)
    number_of = {account.id: account.account_number for account in book.broker.accounts()}
    waiting.sort(key=lambda o: (number_of[o.account_id], o.account_id, o.side is Side.BUY, o.symbol))
    with book.write() as tx:
        number = int(tx.execute("INSERT INTO files_lists (at) VALUES (?)", (micros(book.now()),)).lastrowid or 0)
        tx.executemany(
            "UPDATE files_orders SET list = ?, line = ? WHERE n = ?",
            [(number, line, order.n) for line, order in enumerate(waiting, 1)],
        )
        tx.record("files.list_made", str(number), {"lines": len(waiting)}, "advisor")
        tx.changed()
    return number


def waiting_orders(book: Book) -> list[StoredOrder]:
    """The approved orders that are on no trade list.

    Raises `Conflict` when there is none; its message names the way to write the newest list again.
    """
    if waiting := open_orders(book.database, "o.list IS NULL"):
        return waiting
    made = list_states(book)
    if not made:
        raise Conflict("no approved order waits for a trade list")
    newest = made[0].number
    raise Conflict(f"no approved order waits; rebal-tui trades FILE --list {newest} writes list {newest} again")


def trade_list(book: Book, number: int) -> TradeList:
    """A trade list with its lines as they were made. Raises `NotFound`."""
    row = book.database.row("SELECT copies FROM files_lists WHERE n = ?", (number,))
    if row is None:
        raise NotFound(f"no trade list {number}")
    accounts = {
        identity: (full or label, masked and not full, custodian)
        for identity, label, full, masked, custodian in book.database.rows(
            "SELECT id, CASE WHEN masked THEN key ELSE number END, full_number, masked, custodian FROM files_accounts"
        )
    }
    lines = [_line(book, order, *accounts[order.account_id]) for order in _orders(book, number)]
    return TradeList(number, tuple(lines), int(row[0]))


def note_written(book: Book, number: int, form: str, file: str) -> int:
    """Record in the audit trail, and in the timeline of each open run with orders on a trade list, that it was written.

    `form` is the format, `file` the name of the file.

    Returns the number of the copy, 0 for the first.
    """
    own = (parse_client_order_id(order.client_order_id) for order in _orders(book, number))
    still = {run.id for run in book.open_runs.values()}
    orders = Counter(found[0] for found in own if found is not None and found[0] in still)
    with book.write() as tx:
        (copies,) = tx.row("SELECT copies FROM files_lists WHERE n = ?", (number,)) or (0,)
        tx.execute("UPDATE files_lists SET copies = copies + 1 WHERE n = ?", (number,))
        tx.record("files.list_written", str(number), {"format": form, "copy": copies}, "advisor")
        for run_id, count in orders.items():
            copy = f"copy {copies}: " if copies else ""
            runs.note(tx, run_id, book.now(), f"on list {number}", f"{copy}{count_text(count, 'order')} in {file}")
        tx.changed()
    return int(copies)


def list_states(book: Book) -> list[ListState]:
    """Every trade list, newest first."""
    rows = book.database.rows(
        "SELECT list, count(*), sum(status = 'filled'), sum(status NOT IN ('filled', 'canceled', 'expired',"
        " 'rejected', 'replaced')) FROM files_orders WHERE list IS NOT NULL GROUP BY list ORDER BY list DESC"
    )
    return [ListState(*row) for row in rows]


def close_list(book: Book, number: int) -> int:
    """End the open lines of a trade list; their runs end with what was filled (R-73). Returns how many lines ended."""
    trade_list(book, number)
    still = open_orders(book.database, "o.list = ?", (number,))
    with book.write() as tx:
        for order in still:
            close_order(tx, order, micros(book.now()))
        tx.record("files.list_closed", str(number), {"lines": len(still)}, "advisor")
        sync(book)
    return len(still)


def _orders(book: Book, number: int) -> list[StoredOrder]:
    return sorted(load_orders(book.database, "o.list = ?", (number,)), key=lambda order: order.line or 0)


def _line(book: Book, order: StoredOrder, account: str, masked: int, custodian: str) -> TradeLine:
    asset = book.assets.get(order.symbol)
    return TradeLine(
        order.line or 0, account, bool(masked), asset.name if asset else "", order.side, order.symbol,
        Qty(order.qty or 0), asset.price if asset else None, custodian,
    )  # fmt: skip
