"""Assets on hold: after an unexplained price jump, automatic runs of all accounts with the asset stop (R-55)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from functools import partial

from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, Price
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.price_jumps import PriceJump, price_jump
from rebal_tui.engine.trace_text import ratio_text
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book.book import ADVISOR, Book, BookTransaction
from rebal_tui.services.book.stored_closes import store_accepted_moves
from rebal_tui.store import asset_holds, jobs
from rebal_tui.store.asset_holds import AssetHold

ALERT = "asset_hold"
_SMALLEST_SPLIT_MOVE = Percent(3000)
"""A move of less than 30 % is near no split; the nearest is 3-for-2, within 2 % of a fall by a third."""


def guard_prices(book: Book, changed: Mapping[str, Quote]) -> tuple[AssetHold, ...]:
    """Put every asset on hold whose new price jumps from the close of the session before; returns the new holds.

    Call it before the prices are applied, so that no decision uses them first. Does nothing while the guard is off, and
    skips an asset that is on hold already.
    """
    guards = book.settings.guards
    if not guards.jump_guard or not changed:
        return ()
    references = book.reference_prices
    references.note(changed, book.price_history, book.assets)
    found = []
    for symbol, quote in changed.items():
        close = references.of(symbol, new_york_day(quote.at))
        if close is None or symbol not in book.assets or symbol in book.asset_holds:
            continue
        jump = _jump(close, quote.price, guards.jump_limit)
        if jump is not None:
            ratio = ratio_text(100 * jump.factor.numerator, jump.factor.denominator, 0)
            found.append(AssetHold(symbol, book.now(), close, quote.price, ratio, jump.split_text))
    if found:
        with book.write() as tx:
            for hold in found:
                asset_holds.put(tx, hold)
                jobs.raise_alert(tx, hold.at, ALERT, hold.symbol, f"{hold.reason}; no automatic run trades it")
                tx.record("asset.hold", hold.symbol, {"close": hold.last_close, "price": hold.price})
            tx.reload_holds()
    return tuple(found)


def release(book: Book, symbol: str) -> AssetHold:
    """End the hold of an asset for all accounts; returns the hold.

    Later prices of the day are compared with the price at the release. Raises `NotFound` for an unknown asset and
    `Conflict` for one that is not on hold.
    """
    hold = check_release(book, symbol)
    asset, references = book.assets[symbol], book.reference_prices
    day, price = new_york_day(asset.price_at or book.now()), asset.price or hold.price
    with book.write() as tx:
        _end(tx, hold, book.actor(ADVISOR))
        tx.record("asset.hold_released", symbol, {"price": price}, ADVISOR)
        store_accepted_moves(tx, {**references.accepted, symbol: (day, price)}, book.assets)
        tx.after_commit(partial(references.accept, symbol, day, price))
    return hold


def check_release(book: Book, symbol: str) -> AssetHold:
    """The hold of an asset that `release` would end. Raises the errors of `release`; changes nothing."""
    if symbol not in book.assets:
        raise NotFound(f"no asset {symbol}")
    hold = book.asset_holds.get(symbol)
    if hold is None:
        raise Conflict(f"{symbol} is not on hold")
    return hold


def explain_move(book: Book, symbol: str, day: date, close: Price | None = None) -> None:
    """Treat an asset's price move of a day as explained by a corporate action, and end the asset's hold if it has one.

    Prices of that day are compared with `close`, the last close adjusted for the action; if None (after a spin-off,
    merger or delisting) they are not compared.
    """
    book.reference_prices.accept(symbol, day, close)
    hold = book.asset_holds.get(symbol)
    if hold is not None:
        with book.write() as tx:
            _end(tx, hold, "corporate action")
            tx.record("asset.hold_explained", symbol, {"day": day.isoformat()})


def _end(tx: BookTransaction, hold: AssetHold, who: str) -> None:
    now = tx.book.now()
    asset_holds.release(tx, hold.symbol, now, who)
    jobs.clear_alert(tx, ALERT, hold.symbol, now)
    tx.reload_holds()
    tx.requeue_runs()


def _jump(close: Price, price: Price, limit: Percent) -> PriceJump | None:
    if close <= 0 or price <= 0:
        return None
    # Most prices hardly move; the exact comparison with every split is for the others.
    if abs(price - close) * HUNDRED_PERCENT <= close * min(limit, _SMALLEST_SPLIT_MOVE):
        return None
    return price_jump(Fraction(close), price, limit)
