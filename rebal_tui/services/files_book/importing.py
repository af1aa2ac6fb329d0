"""Importing a positions file, all or nothing, and undoing the last import (R-71, R-75)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from rebal_tui.broker.files import changes as broker
from rebal_tui.broker.files.cells import is_cusip
from rebal_tui.broker.files.records import micros
from rebal_tui.broker.files.statement import StatedAccount
from rebal_tui.broker.protocol import EventBatch, EventKind
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import Money, Price, Qty, money_text, qty_text
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book import calendars, files_settings
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.events import (
    CURSOR,
    MAX_EVENTS_PER_TRANSACTION,
    apply_event_batch,
    reload_from_broker,
)
from rebal_tui.services.files_book.import_plan import ImportPlan
from rebal_tui.services.files_book.matching import AccountChange
from rebal_tui.services.files_book.pausing import pause
from rebal_tui.services.files_book.prices import set_session, store_prices
from rebal_tui.services.files_book.removal import delete_account
from rebal_tui.services.runs.queueing import cancel_queued
from rebal_tui.store import assets, book_settings, runs

REPLACED = "replaced by a newer import"
LAST_EVENT = "files_last_event"
"""The newest event of the last import; a later one is an entry that an undo would lose."""
_DIFFERENCE = "the positions file differs: "


def apply_import(book: Book, plan: ImportPlan, mapping: Mapping[str, str] | None = None) -> None:
    """Store a positions file in one transaction: accounts, cash, positions, prices, fills, flows and differences.

    Runs that wait for approval are canceled, so that the next evaluation proposes them with the new figures. If the
    file was imported already, nothing changes.
    """
    if plan.known:
        return
    with book.write() as tx:
        number, reasons = _store(tx, plan)
        if mapping is not None:
            files_settings.keep_mapping(tx, mapping)
        _apply_events(book)
        reload_from_broker(book)
        _store_prices(tx, plan)
        set_session(tx, plan.as_of)
        book_settings.put(tx, files_settings.AS_OF, plan.as_of.isoformat())
        book_settings.put(tx, files_settings.IMPORTED_AT, book.now().isoformat())
        cancel_queued(tx, [run for run in book.open_runs.values() if run.awaits_approval], REPLACED)
        runs.free_quota(tx, [identity for _, identity in runs.system_runs(book.database).values()])
        for account_id, reason in reasons.items():
            pause(tx, account_id, reason)
        detail = {
            "import": number, "format": plan.statement.format, "as_of": plan.as_of.isoformat(), "digest": plan.digest,
            "accounts": len(plan.statement.accounts), "new": len(plan.new), "missing": len(plan.missing),
            "fills": sum(len(change.fills) for _, change in plan.changes.values()), "paused": sorted(reasons),
            "flows": {a: change.flow for a, (_, change) in plan.changes.items() if change.flow},
            "renamed": sorted(plan.renamed),
        }  # fmt: skip
        tx.record("files.imported", "book", detail, "advisor")
        tx.reload()


def _apply_events(book: Book) -> None:
    """Apply the new fills, flows and assets from the tables that stand for the broker of a files book.

    Does not read the accounts again: the caller does that for all of them afterward.
    """
    cursor = int(book_settings.get(book.database, CURSOR, "0"))
    while events := book.broker.events(cursor, MAX_EVENTS_PER_TRANSACTION):
        listed = book.broker.assets() if any(event.kind is EventKind.ASSET for event in events) else ()
        cursor = apply_event_batch(book, EventBatch(events, (), {}, listed, {}), cursor)


def _store(tx: BookTransaction, plan: ImportPlan) -> tuple[int, dict[str, str]]:
    """Write the positions file to the tables that stand for the broker of a files book.

    Returns the number of the import and, by id, the accounts that need review with the reason.
    """
    book, now = tx.book, micros(tx.book.now())
    database, custodian = book.database, plan.statement.format
    namespace = uuid.uuid5(uuid.NAMESPACE_OID, book_settings.get(database, "id_seed", "book"))

    def ids(name: str) -> str:
        return str(uuid.uuid5(namespace, name))

    (last_event,) = database.row("SELECT coalesce(max(seq), 0) FROM files_events") or (0,)
    before = _before(book, plan)
    number = tx.execute(
        "INSERT INTO files_imports (at, kind, format, as_of, digest, accounts, before, last_event)"
        " VALUES (?, 'positions', ?, ?, ?, ?, ?, ?)",
        (now, custodian, micros(plan.as_of), plan.digest, len(plan.statement.accounts), before, last_event),
    ).lastrowid
    key_of: dict[str, int] = dict(database.rows("SELECT id, n FROM files_accounts"))
    asset_of: dict[str, int] = {}
    for stated in plan.statement.accounts:
        for held in stated.holdings:
            if held.symbol not in asset_of:
                asset_of[held.symbol] = broker.put_asset(tx, database, ids, held.symbol, held.name, now)
    reasons: dict[str, str] = {}
    for stated in plan.new:
        account = broker.put_account(tx, ids, custodian, stated, now)
        _set(tx, account, stated, asset_of)
        _add_reason(reasons, ids(f"account:{custodian}:{stated.key}"), _left_out(plan, stated))
    for account_id, (stated, change) in plan.changes.items():
        if change.changed:
            _apply_change(tx, key_of[account_id], change, int(number or 0), now)
            _set(tx, key_of[account_id], stated, asset_of)
        _add_reason(reasons, account_id, [*_differences(change), *_left_out(plan, stated)])
    _rename(tx, plan.renamed)
    tx.executemany(
        "UPDATE files_accounts SET missing_since = NULL WHERE id = ? AND missing_since IS NOT NULL",
        [(account_id,) for account_id in plan.changes],
    )
    for missing in plan.missing:
        tx.execute(
            "UPDATE files_accounts SET missing_since = coalesce(missing_since, ?) WHERE id = ?", (now, missing.id)
        )
    (newest,) = tx.row("SELECT coalesce(max(seq), 0) FROM files_events") or (0,)
    book_settings.put(tx, LAST_EVENT, str(newest))
    return int(number or 0), reasons


def _rename(tx: BookTransaction, names: Mapping[str, str]) -> None:
    """Change the clients' names of accounts; `names` has them by account id."""
    tx.executemany(
        "UPDATE files_accounts SET name = ? WHERE id = ?", [(name, account_id) for account_id, name in names.items()]
    )


def _apply_change(tx: BookTransaction, account: int, change: AccountChange, number: int, at: int) -> None:
    database = tx.book.database
    for index, fill in enumerate(change.fills):
        execution = f"import-{number}-{fill.order.n}-{index}"
        broker.fill_order(tx, database, fill.order, fill.qty, fill.price, Money(0), at, execution)
    for order in change.closes:
        for still in broker.open_orders(database, "o.n = ?", (order.n,)):
            broker.close_order(tx, still, at)
    if change.flow:
        kind = CashKind.DEPOSIT if change.flow > 0 else CashKind.OTHER
        broker.book_flow(tx, account, kind, change.flow, at, f"import {number}")


def _set(tx: BookTransaction, account: int, stated: StatedAccount, asset_of: Mapping[str, int]) -> None:
    broker.set_holdings(tx, account, {asset_of[held.symbol]: held.qty for held in stated.holdings})
    broker.set_cash(tx, account, stated.cash)


def _differences(change: AccountChange) -> list[str]:
    return [
        f"{_DIFFERENCE}{one.symbol} {qty_text(one.before)} → {qty_text(one.after)}, of which"
        f" {'+' if one.unexplained > 0 else '-'}{qty_text(Qty(abs(one.unexplained)))} is on no trade list"
        for one in change.differences
    ]


def _left_out(plan: ImportPlan, stated: StatedAccount) -> list[str]:
    """Texts about rows of an account that were left out although they have a value, and holdings named by a CUSIP."""
    rows = [row for row in plan.statement.left_out if row.matters and row.key == stated.key]
    texts = [
        f"left out: {row.reason}" + (f", {money_text(row.amount)} dollars" if row.amount is not None else "")
        for row in rows
    ]
    return texts + [f"{held.symbol} is a CUSIP: name its symbol" for held in stated.holdings if is_cusip(held.symbol)]


def _add_reason(reasons: dict[str, str], account_id: str, texts: list[str]) -> None:
    if texts:
        reasons[account_id] = "; ".join(texts)


def _store_prices(tx: BookTransaction, plan: ImportPlan) -> None:
    found = {
        held.symbol: Quote(held.price, plan.as_of)
        for stated in plan.statement.accounts
        for held in stated.holdings
        if held.price is not None
    }
    store_prices(tx, found)


_SETTINGS = (
    calendars.FIRST_DAY, calendars.PRICED_DAY, files_settings.AS_OF, files_settings.IMPORTED_AT, LAST_EVENT,
)  # fmt: skip


def _before(book: Book, plan: ImportPlan) -> str:
    """The state that an undo restores, as JSON.

    It has settings, prices, cash and positions of the accounts that the file changes, and names that it changes.
    """
    state = {
        "settings": {name: book_settings.get(book.database, name) for name in _SETTINGS},
        "prices": {
            symbol: [asset.price, asset.price_at.isoformat()]
            for symbol, asset in book.assets.items()
            if asset.price is not None and asset.price_at is not None
        },
        "accounts": {
            account_id: [
                book.accounts[account_id].cash,
                {position.symbol: position.qty for position in book.accounts[account_id].positions},
            ]
            for account_id, (_, change) in plan.changes.items()
            if change.changed
        },
        "names": {account_id: plan.names[account_id] for account_id in plan.renamed},
        "new": [stated.key for stated in plan.new],
        "fills": sum(len(change.fills) + len(change.closes) for _, change in plan.changes.values()),
    }
    return json.dumps(state, sort_keys=True)


def undo_import(book: Book) -> str:
    """Undo the last import if nothing depends on it; returns what was done as text.

    Raises `Conflict` when there is no import, when the import found fills, when an account that it added is subscribed,
    or when something was entered or a run was created since.
    """
    row = book.database.row(
        "SELECT n, at, before, format, last_event FROM files_imports WHERE kind = 'positions' AND undone_at IS NULL"
        " ORDER BY n DESC LIMIT 1"
    )
    if row is None:
        raise Conflict("there is no import to take back")
    number, at, text, custodian, last_event = row
    before = json.loads(text)
    added = [
        identity
        for key in before["new"]
        for (identity,) in book.database.rows(
            "SELECT id FROM files_accounts WHERE custodian = ? AND key = ?", (custodian, key)
        )
    ]
    _check_undo(book, before, added, at)
    with book.write() as tx:
        key_of: dict[str, int] = dict(book.database.rows("SELECT id, n FROM files_accounts"))
        asset_of: dict[str, int] = dict(book.database.rows("SELECT symbol, n FROM files_assets"))
        tx.execute("DELETE FROM files_events WHERE seq > ?", (last_event,))
        tx.execute("DELETE FROM files_cash WHERE reference = ?", (f"import {number}",))
        for account_id, (cash, held) in before["accounts"].items():
            broker.set_holdings(tx, key_of[account_id], {asset_of[symbol]: qty for symbol, qty in held.items()})
            broker.set_cash(tx, key_of[account_id], cash)
        _rename(tx, before.get("names", {}))
        for account_id in added:
            tx.execute(
                "DELETE FROM cash_entries WHERE account = (SELECT key FROM accounts WHERE id = ?)", (account_id,)
            )
            delete_account(tx, key_of[account_id], account_id)
        for name, value in before["settings"].items():
            book_settings.put(tx, name, value)
        prices = {s: (Price(price), datetime.fromisoformat(when)) for s, (price, when) in before["prices"].items()}
        tx.execute("UPDATE assets SET price = NULL, price_at = NULL")
        assets.save_prices(tx, [(symbol, *priced) for symbol, priced in prices.items()])
        tx.after_commit(partial(_forget_newer_prices, book, prices))
        tx.execute("UPDATE files_imports SET undone_at = ? WHERE n = ?", (micros(book.now()), number))
        book_settings.put(tx, CURSOR, str(last_event))
        reload_from_broker(book)
        tx.record("files.import_undone", "book", {"import": number, "accounts": len(added)}, "advisor")
        tx.reload()
    return f"The last import was taken back; {len(added):,} accounts removed."


def _forget_newer_prices(book: Book, prices: Mapping[str, tuple[Price, datetime]]) -> None:
    """Restore earlier prices in memory, where an update otherwise keeps the newest price."""
    known = book.assets
    for symbol, asset in list(known.items()):
        price, price_at = prices.get(symbol, (None, None))
        known[symbol] = replace(asset, price=price, price_at=price_at)


def _check_undo(book: Book, before: dict[str, object], added: list[str], at: int) -> None:
    if before["fills"]:
        raise Conflict("the import found fills; it cannot be taken back")
    if any(account_id in book.subscriptions for account_id in added):
        raise Conflict("an account that the import added follows a portfolio; end the subscription first")
    (newest,) = book.database.row("SELECT coalesce(max(seq), 0) FROM files_events") or (0,)
    if int(book_settings.get(book.database, LAST_EVENT) or newest) != newest:
        raise Conflict("something was entered since the import; it cannot be taken back")
    later = book.database.row("SELECT count(*) FROM runs WHERE created_at >= ?", (at,))
    if later is not None and later[0]:
        raise Conflict("runs were made since the import; it cannot be taken back")
