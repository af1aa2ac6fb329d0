"""Events of a files book: changes by an import, by fills or by a person.

Times (`at`) are in microseconds since 1970 UTC.
"""

from __future__ import annotations

from rebal_tui.broker.files.ports import Tables, Writer
from rebal_tui.broker.files.records import StoredOrder, order_at, time_of
from rebal_tui.broker.protocol import BrokerEvent, EventKind
from rebal_tui.domain.cash import CashEntry, CashKind
from rebal_tui.domain.orders import Fill, OrderStatus, Side
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.domain.sessions import new_york_day

_EVENTS = """
SELECT e.seq, e.kind, e.at, a.id, s.symbol, s.id, e.status, e.filled_qty, e.filled_avg_price,
    c.n, c.kind, c.amount, c.at, c.reference, f.execution_id, f.qty, f.price, f.amount, f.at,
    o.n, o.id, o.client_order_id, o.account, a.id, o.asset, s.symbol, o.side, o.notional, o.qty, o.status,
    o.filled_qty, o.filled_avg_price, o.reason, o.created_at, o.updated_at, o.list, o.line
FROM (SELECT * FROM files_events WHERE seq > ? ORDER BY seq LIMIT ?) AS e
LEFT JOIN files_accounts AS a ON a.n = e.account LEFT JOIN files_assets AS s ON s.n = e.asset
LEFT JOIN files_orders AS o ON o.n = e.order_n LEFT JOIN files_fills AS f ON f.n = e.fill
LEFT JOIN files_cash AS c ON c.n = e.entry ORDER BY e.seq
"""
_ORDER_AT = 19


def emit_account(tx: Writer, at: int, account: int) -> None:
    """Emit the event that an account changed, at the time `at` in microseconds since 1970 UTC."""
    tx.execute("INSERT INTO files_events (kind, at, account) VALUES ('account', ?, ?)", (at, account))


def emit_asset(tx: Writer, at: int, asset: int) -> None:
    """Emit the event of a new or changed asset."""
    tx.execute("INSERT INTO files_events (kind, at, asset) VALUES ('asset', ?, ?)", (at, asset))


def emit_cash(tx: Writer, at: int, account: int, entry: int) -> None:
    """Emit the event of a cash movement."""
    tx.execute("INSERT INTO files_events (kind, at, account, entry) VALUES ('cash', ?, ?, ?)", (at, account, entry))


def emit_order(tx: Writer, at: int, order: StoredOrder, fill: int | None = None) -> None:
    """Emit the event of an order's new state; `fill` is the integer key of the fill that led to it, if any."""
    tx.execute(
        "INSERT INTO files_events (kind, at, account, asset, order_n, fill, status, filled_qty, filled_avg_price)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            "order" if fill is None else "fill", at, order.account, order.asset, order.n, fill, order.status.value,
            order.filled_qty, order.filled_avg_price,
        ),
    )  # fmt: skip


def read_events(tables: Tables, after: int, limit: int) -> list[BrokerEvent]:
    """Events with `seq` above `after`, oldest first, at most `limit`; each has the account, asset, cash movement or
    order as it was right after the event.
    """
    return [_event(row) for row in tables.rows(_EVENTS, (after, limit))]


def _event(row: tuple[object, ...]) -> BrokerEvent:
    found = list(row)
    seq, kind, at, account_id, symbol, asset_id, status, filled_qty, average = found[:9]
    entry, entry_kind, amount, entry_at, reference, execution_id, qty, price, worth, fill_at = found[9:_ORDER_AT]
    order = fill = cash = None
    if found[_ORDER_AT] is not None:
        values = found[_ORDER_AT:]
        stored = StoredOrder._make(
            (*values[:7], Side(str(values[7])), *values[8:10], OrderStatus(str(values[10])), *values[11:])
        )
        after = OrderStatus(str(status))
        order = order_at(stored, after, _int(filled_qty), None if average is None else _int(average), _int(at))
        if execution_id is not None:
            when = time_of(_int(fill_at))
            fill = Fill(
                str(execution_id), order.id, order.client_order_id, order.account_id, order.symbol, order.side,
                Qty(_int(qty)), Price(_int(price)), Money(_int(worth)), when, new_york_day(when).isoformat(),
                str(asset_id),
            )  # fmt: skip
    elif entry is not None:
        when = time_of(_int(entry_at))
        cash = CashEntry(
            _int(seq), str(account_id), when, CashKind(str(entry_kind)), Money(_int(amount)),
            new_york_day(when).isoformat(), str(reference),
        )  # fmt: skip
    return BrokerEvent(
        _int(seq),
        EventKind(str(kind)),
        time_of(_int(at)),
        None if account_id is None else str(account_id),
        None if symbol is None else str(symbol),
        order,
        fill,
        cash,
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
