"""Accounts, assets, holdings and cash of a files book entered by hand (R-70)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from rebal_tui.broker.files import changes as broker
from rebal_tui.broker.files.cells import is_symbol, symbol_of
from rebal_tui.broker.files.ports import Ids
from rebal_tui.broker.files.records import micros
from rebal_tui.broker.files.statement import StatedAccount
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.errors import Conflict, Fault, Invalid, NotFound
from rebal_tui.domain.quantities import Money, Price, Qty, qty_text
from rebal_tui.domain.text import display_text
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book import files_settings
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.settings import Mode
from rebal_tui.services.broker_sync.events import reload_from_broker, sync
from rebal_tui.services.files_book.naming import account_id_of
from rebal_tui.services.files_book.prices import import_prices
from rebal_tui.services.files_book.removal import OWN_FILES_TABLES, OWN_TABLES, delete_account
from rebal_tui.store import archives, book_settings
from rebal_tui.store.references import referring_tables

MAX_LENGTH = 80
_GENERIC = "generic"


def require_files(book: Book) -> None:
    """Raise `Conflict` for a book that is not a files book."""
    if book.settings.mode is not Mode.FILES:
        raise Conflict("this is not a files book; create one with  rebal-tui new --db FILE")


def add_account(book: Book, number: str, name: str = "", cash: Money = Money(0)) -> str:
    """Add an account with cash and without holdings; returns its id.

    Raises `Invalid` for a faulty number or name, and `Conflict` for a number that an account of the book has already.
    """
    number, name = _text("number", number, required=True), _text("name", name)
    custodian = book_settings.get(book.database, files_settings.CUSTODIAN) or _GENERIC
    if book.database.row("SELECT 1 FROM files_accounts WHERE number = ? OR key = ?", (number, number)):
        raise Conflict("the book has an account of this number")
    with book.write() as tx:
        stated = StatedAccount(number, name or None, number, False, cash, (), ())
        key = broker.put_account(tx, _ids(book), custodian, stated, micros(book.now()))
        broker.set_cash(tx, key, cash)
        account_id = _ids(book)(f"account:{custodian}:{number}")
        _announce(tx, key, "files.account_added", account_id, {"cash": cash, "name": bool(name)})
    return account_id


def edit_account(
    book: Book, account: str, *, name: str | None = None, cash: Money | None = None, full_number: str | None = None
) -> str:
    """Change the given fields of an account; returns the names of the changed fields as text.

    A change of cash is stored as a flow, that is, a movement of cash without a trade. `account` is the account's
    number, its label (the number, or for a masked number the client's name and the number) or its id. `full_number` is
    the number that a trade list writes in place of a masked one. Raises `Conflict` for an unknown account, and for cash
    while orders of the account are on a trade list.
    """
    account_id = account_id_of(book, account)
    key, name_before, cash_before = _account(book, account_id)
    detail: dict[str, object] = {}
    with book.write() as tx:
        if name is not None and (name := _text("name", name, required=True)) != name_before:
            tx.execute("UPDATE files_accounts SET name = ? WHERE n = ?", (name, key))
            detail["name"] = True
        if full_number is not None:
            full = _text("full_number", full_number) or None
            tx.execute("UPDATE files_accounts SET full_number = ? WHERE n = ?", (full, key))
            detail["full_number"] = True
        if cash is not None and cash != cash_before:
            _require_no_list(book, account_id)
            change = cash - cash_before
            broker.set_cash(tx, key, cash)
            kind = CashKind.DEPOSIT if change > 0 else CashKind.OTHER
            broker.book_flow(tx, key, kind, change, micros(book.now()), "entered by hand")
            detail["cash"] = [cash_before, cash]
        if detail:
            _announce(tx, key, "files.account_edited", account_id, detail)
    return ", ".join(detail) if detail else "nothing"


def set_holding(book: Book, account: str, symbol: str, qty: Qty) -> str:
    """Set the shares of a symbol in an account, 0 for none; a new symbol is added. Returns the change as text.

    Raises `Conflict` for an unknown account and while orders of the account are on a trade list; `Invalid` for a faulty
    symbol or a quantity below 0.
    """
    account_id, symbol = account_id_of(book, account), read_symbol(symbol)
    if qty < 0:
        raise Invalid([Fault("qty", "expected 0 or more shares")])
    _require_no_list(book, account_id)
    key, _, _ = _account(book, account_id)
    with book.write() as tx:
        at = micros(book.now())
        asset = broker.put_asset(tx, book.database, _ids(book), symbol, "", at)
        held: Mapping[int, int] = dict(
            book.database.rows("SELECT asset, qty FROM files_positions WHERE account = ?", (key,))
        )
        before = Qty(held.get(asset, 0))
        broker.set_holdings(tx, key, {**held, asset: qty})
        _announce(tx, key, "files.holding_set", account_id, {"symbol": symbol, "before": before, "after": qty})
    return f"{symbol} {qty_text(before)} → {qty_text(qty)}"


def put_asset(book: Book, symbol: str, name: str = "") -> bool:
    """Add an asset, or change its name; returns whether it is new. Raises `Invalid` for a faulty symbol or name."""
    symbol, name = read_symbol(symbol), _text("name", name)
    known = book.database.row("SELECT n FROM files_assets WHERE symbol = ?", (symbol,))
    with book.write() as tx:
        key = broker.put_asset(tx, book.database, _ids(book), symbol, name, micros(book.now()))
        if known is not None and name:
            broker.rename_asset(tx, key, name, micros(book.now()))
        tx.record("files.asset_entered", symbol, {"new": known is None}, "advisor")
        sync(book)
        tx.reload()
    return known is None


def set_price(book: Book, symbol: str, price: Price, at: datetime | None = None) -> int:
    """Store a price with its time, by default now; returns 1, or 0 if the book has a newer price.

    Raises `Invalid` for a faulty symbol and `Conflict` for a time in the future.
    """
    return import_prices(book, {read_symbol(symbol): Quote(price, at or book.now())})


def remove_account(book: Book, account: str) -> str:
    """Remove an account, given by number, label or id, and its holdings; returns the client's name.

    Raises `Conflict` for an unknown account, and while a record such as a run refers to the account.
    """
    account_id = account_id_of(book, account)
    key, name, _ = _account(book, account_id)
    stored = book.database.row("SELECT key FROM accounts WHERE id = ?", (account_id,))
    used = referring_tables(book.database, "files_accounts", key, OWN_FILES_TABLES)
    if stored is not None:
        used += referring_tables(book.database, "accounts", stored[0], OWN_TABLES)
        used += ["the archive"] if archives.refers(book.database, "accounts", stored[0]) else []
    if used:
        raise Conflict(f"records refer to the account ({', '.join(_words(used))}); it stays")
    with book.write() as tx:
        delete_account(tx, key, account_id)
        tx.record("files.account_removed", account_id, None, "advisor")
        tx.reload()
    return name


def remove_asset(book: Book, symbol: str) -> None:
    """Remove an asset from the book.

    Raises `NotFound` for an unknown asset, and `Conflict` while a holding, a portfolio or a record such as a run refers
    to the asset.
    """
    symbol = symbol_of(symbol)
    row = book.database.row("SELECT n, id FROM files_assets WHERE symbol = ?", (symbol,))
    if row is None:
        raise NotFound("the book has no such asset")
    key, asset_id = row
    stored = book.database.row("SELECT key FROM assets WHERE id = ?", (asset_id,))
    used = referring_tables(book.database, "files_assets", key, ("files_events",))
    if stored is not None:
        used += referring_tables(book.database, "assets", stored[0])
        used += ["the archive"] if archives.refers(book.database, "assets", stored[0]) else []
    if used:
        raise Conflict(f"{', '.join(_words(used))} refer to {symbol}; it stays")
    with book.write() as tx:
        tx.execute("UPDATE files_events SET asset = NULL WHERE asset = ?", (key,))
        tx.execute("DELETE FROM files_assets WHERE n = ?", (key,))
        if stored is not None:
            tx.execute("DELETE FROM assets WHERE key = ?", (stored[0],))
        tx.record("files.asset_removed", symbol, None, "advisor")
        tx.reload()


def _announce(tx: BookTransaction, key: int, action: str, account_id: str, detail: dict[str, object]) -> None:
    """Read an account again from the tables that stand for its broker; record a person's action in the audit trail."""
    broker.announce(tx, key, micros(tx.book.now()))
    sync(tx.book)
    reload_from_broker(tx.book)
    tx.record(action, account_id, detail, "advisor")
    tx.reload()


def _account(book: Book, account_id: str) -> tuple[int, str, int]:
    row = book.database.row("SELECT n, name, cash FROM files_accounts WHERE id = ?", (account_id,))
    if row is None:
        raise Conflict("the account is not known")
    return int(row[0]), str(row[1]), int(row[2])


def _require_no_list(book: Book, account_id: str) -> None:
    if book.broker.open_orders(account_id):
        raise Conflict("orders of the account wait for fills: enter the fills, or close the trade list first")


def _ids(book: Book) -> Ids:
    namespace = uuid.uuid5(uuid.NAMESPACE_OID, book_settings.get(book.database, "id_seed", "book"))
    return lambda name: str(uuid.uuid5(namespace, name))


def _text(field: str, text: str, *, required: bool = False) -> str:
    try:
        shown = display_text(text.strip(), MAX_LENGTH)
    except ValueError as error:
        raise Invalid([Fault(field, str(error))]) from None
    if required and not shown:
        raise Invalid([Fault(field, "expected a text")])
    return shown


def read_symbol(text: str) -> str:
    """A symbol in the form that the program uses. Raises `Invalid` for the field `symbol`."""
    symbol = symbol_of(text)
    if not is_symbol(symbol):
        raise Invalid([Fault("symbol", "expected a symbol such as VTI or BRK.B")])
    return symbol


def _words(tables: list[str]) -> list[str]:
    return sorted({table.removeprefix("files_").removeprefix("sim_").replace("_", " ") for table in tables})
