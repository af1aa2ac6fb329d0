"""Changes of a files book's accounts, assets and orders; each is part of its caller's transaction.

Times (`at`) are in microseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping

from rebal_tui.broker.files.events import emit_account, emit_asset, emit_cash, emit_order
from rebal_tui.broker.files.ports import Ids, Tables, Writer
from rebal_tui.broker.files.records import StoredOrder, load_orders
from rebal_tui.broker.files.statement import StatedAccount
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.orders import OrderStatus, Side
from rebal_tui.domain.quantities import NANO, Money, Price, Qty

NO_LONGER_LISTED = "the trade list was closed"


def put_asset(tx: Writer, tables: Tables, ids: Ids, symbol: str, name: str, at: int) -> int:
    """The integer key of the asset with this symbol. A new asset is added; a stored asset without a name gets
    `name`.
    """
    row = tables.row("SELECT n, name FROM files_assets WHERE symbol = ?", (symbol,))
    if row is not None:
        if name and not row[1]:
            tx.execute("UPDATE files_assets SET name = ? WHERE n = ?", (name, row[0]))
            emit_asset(tx, at, row[0])
        return int(row[0])
    added = tx.execute(
        "INSERT INTO files_assets (id, symbol, name) VALUES (?, ?, ?)", (ids(f"asset:{symbol}"), symbol, name)
    ).lastrowid
    emit_asset(tx, at, int(added or 0))
    return int(added or 0)


def rename_asset(tx: Writer, asset: int, name: str, at: int) -> None:
    """Change an asset's name."""
    tx.execute("UPDATE files_assets SET name = ? WHERE n = ?", (name, asset))
    emit_asset(tx, at, asset)


def put_account(tx: Writer, ids: Ids, custodian: str, stated: StatedAccount, at: int) -> int:
    """Add an account from a file, without cash and positions; returns its integer key."""
    identity = ids(f"account:{custodian}:{stated.key}")
    added = tx.execute(
        "INSERT INTO files_accounts (id, custodian, key, number, name, masked, cash, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
        (identity, custodian, stated.key, stated.number, stated.name or stated.number, stated.masked, at),
    ).lastrowid
    return int(added or 0)


def set_holdings(tx: Writer, account: int, held: Mapping[int, int]) -> None:
    """Replace an account's positions; `held` has billionths of shares by the asset's integer key."""
    tx.execute("DELETE FROM files_positions WHERE account = ?", (account,))
    tx.executemany(
        "INSERT INTO files_positions (account, asset, qty) VALUES (?, ?, ?)",
        [(account, asset, qty) for asset, qty in held.items() if qty],
    )


def set_cash(tx: Writer, account: int, cash: int) -> None:
    """Set an account's cash to a file's figure, in billionths of a dollar."""
    tx.execute("UPDATE files_accounts SET cash = ?, missing_since = NULL WHERE n = ?", (cash, account))


def announce(tx: Writer, account: int, at: int) -> None:
    """Emit the event that an account changed, at the time `at` in microseconds since 1970 UTC."""
    emit_account(tx, at, account)


def book_flow(tx: Writer, account: int, kind: CashKind, amount: int, at: int, reference: str) -> None:
    """Record a movement of cash into or out of an account, in billionths of a dollar; `at` is in microseconds since
    1970 UTC.

    `reference` is what caused the movement, such as `import 3` or `entered by hand`. Does not change the account's
    cash; the caller must do that.
    """
    entry = tx.execute(
        "INSERT INTO files_cash (account, kind, amount, at, reference) VALUES (?, ?, ?, ?, ?)",
        (account, kind.value, amount, at, reference),
    ).lastrowid
    emit_cash(tx, at, account, int(entry or 0))


def fill_order(
    tx: Writer, tables: Tables, order: StoredOrder, qty: Qty, price: Price, fees: Money, at: int, execution: str
) -> StoredOrder:
    """Book one execution of an order: its shares, cash and event. Returns the order as it is after the execution."""
    buys = order.side is Side.BUY
    amount = -(-qty * price // NANO) if buys else qty * price // NANO
    fill = tx.execute(
        "INSERT INTO files_fills (execution_id, order_n, qty, price, amount, fees, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (execution, order.n, qty, price, amount, fees, at),
    ).lastrowid
    tx.execute(
        "UPDATE files_accounts SET cash = cash + ? WHERE n = ?",
        ((-amount if buys else amount) - fees, order.account),
    )
    held = tables.row("SELECT qty FROM files_positions WHERE account = ? AND asset = ?", (order.account, order.asset))
    after = (int(held[0]) if held else 0) + (qty if buys else -qty)
    tx.execute("DELETE FROM files_positions WHERE account = ? AND asset = ?", (order.account, order.asset))
    if after > 0:
        tx.execute("INSERT INTO files_positions VALUES (?, ?, ?)", (order.account, order.asset, after))
    filled = order.filled_qty + qty
    parts = tables.rows("SELECT qty, price FROM files_fills WHERE order_n = ?", (order.n,))
    whole = sum(part for part, _ in parts)
    average = (2 * sum(part * paid for part, paid in parts) + whole) // (2 * whole)
    status = OrderStatus.FILLED if filled >= (order.qty or 0) else OrderStatus.PARTIALLY_FILLED
    changed = order._replace(status=status, filled_qty=filled, filled_avg_price=average, updated_at=at)
    _save(tx, changed)
    emit_order(tx, at, changed, int(fill or 0))
    return changed


def close_order(tx: Writer, order: StoredOrder, at: int) -> None:
    """End an order as expired, because its trade list was closed; shares already filled stay."""
    status = OrderStatus.EXPIRED
    changed = order._replace(status=status, reason=NO_LONGER_LISTED, updated_at=at)
    _save(tx, changed)
    emit_order(tx, at, changed)


def open_orders(tables: Tables, condition: str, parameters: tuple[str | int, ...] = ()) -> list[StoredOrder]:
    """Orders that are not final and match an SQL condition, as in `load_orders`."""
    found = load_orders(tables, condition, parameters)
    return [order for order in found if not order.status.final]


def _save(tx: Writer, order: StoredOrder) -> None:
    tx.execute(
        "UPDATE files_orders SET status = ?, filled_qty = ?, filled_avg_price = ?, reason = ?, updated_at = ?"
        " WHERE n = ?",
        (order.status.value, order.filled_qty, order.filled_avg_price, order.reason, order.updated_at, order.n),
    )
