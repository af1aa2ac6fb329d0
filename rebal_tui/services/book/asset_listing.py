"""Storing the assets that the broker lists (R-50).

A changed symbol is replaced everywhere in the book. Assets are not stored while several active ones share a symbol.
"""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.broker.unreadable import Listing, unreadable_rows
from rebal_tui.domain.asset_labels import conflict_text, plain_symbol
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quarantine import QuarantineKind
from rebal_tui.services.book import quarantine
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.ineligible_assets import note_eligibility
from rebal_tui.services.book.market_state import relabel_walk
from rebal_tui.store import asset_renames, assets, holds, jobs

ALERT = "asset_conflict"
"""Kind of the alert about several active assets under one symbol; its subject is the symbol."""


def save_assets(tx: BookTransaction, listed: Sequence[Asset]) -> None:
    """Store the assets that the broker lists, by id.

    When an asset has a new label, everything stored or in memory under the old label moves to the new one. If several
    active assets share a symbol, none of them is stored: one that is in the book stays unchanged, and an alert names
    all ids. An asset that cannot be read or stored goes into quarantine, and the others are stored (R-52). One that can
    be stored again leaves quarantine. An active portfolio with an asset that is no longer eligible gets an alert
    (R-58).
    """
    book = tx.book
    failed = {row.key: row.reason for row in unreadable_rows(listed)}
    failed |= _save_isolated(book, listed)
    for identity, reason in failed.items():
        quarantine.enter(tx, QuarantineKind.ASSET, identity, reason)
    known = book.quarantine.assets().keys() - failed.keys()
    # A list of the whole shows that a row without an id has been corrected.
    read = known if isinstance(listed, Listing) else known & {asset.id for asset in listed}
    for identity in sorted(read):
        quarantine.leave(tx, QuarantineKind.ASSET, identity, "broker")
    _clear_conflicts(tx, listed)
    note_eligibility(tx, [asset for asset in listed if asset.id not in failed])
    tx.reload_assets()


def _save_isolated(book: Book, listed: Sequence[Asset]) -> dict[str, str]:
    """Store assets; returns why an asset cannot be stored, by asset id. When storing fails, each half is tried."""
    try:
        with book.write() as tx:
            _save(tx, listed)
    except Exception as error:
        if quarantine.is_general(error):
            raise
        if len(listed) == 1:
            return {listed[0].id: quarantine.failure_text(error)}
        middle = len(listed) // 2
        return _save_isolated(book, listed[:middle]) | _save_isolated(book, listed[middle:])
    return {}


def _clear_conflicts(tx: BookTransaction, listed: Sequence[Asset]) -> None:
    """Close the alerts about symbols that the listed assets no longer share."""
    symbols = {plain_symbol(asset.symbol) for asset in listed}
    opened = {alert.subject for alert in jobs.open_alerts(tx.database) if alert.kind == ALERT} & symbols
    if opened:
        for symbol in sorted(opened - assets.conflicts(tx.database, listed).keys()):
            jobs.clear_alert(tx, ALERT, symbol, tx.book.now())


def _save(tx: BookTransaction, listed: Sequence[Asset]) -> None:
    book = tx.book
    # An asset that is left out keeps its earlier symbol, which another one may have been given.
    while conflicts := assets.conflicts(book.database, listed):
        for symbol, ids in sorted(conflicts.items()):
            jobs.raise_alert(tx, book.now(), ALERT, symbol, conflict_text(symbol, ids))
        listed = [asset for asset in listed if plain_symbol(asset.symbol) not in conflicts]
    renames = assets.save(tx, listed)
    if renames:
        labels = {rename.before: rename.after for rename in renames}
        asset_renames.record(tx, renames, book.now())
        asset_renames.relabel_skipped_orders(tx, renames)
        holds.relabel(tx, labels)
        relabel_walk(tx, labels)
        known = [(rename.after, book.assets_by_id.get(rename.id)) for rename in renames]
        assets.save_prices(
            tx, [(label, a.price, a.price_at) for label, a in known if a is not None and a.price and a.price_at]
        )
        for rename in renames:
            tx.record("asset.renamed", rename.id, {"from": rename.before, "to": rename.after}, "broker")
