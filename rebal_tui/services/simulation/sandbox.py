"""Setup of a sandbox book for integrators: accounts, assets, fixed prices, and time in steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.accounts import Account, AccountStatus, Restriction
from rebal_tui.domain.assets import Asset, AssetChange, AssetStatus
from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.quantities import MAX_NANO, Money, Price
from rebal_tui.domain.text import name_text
from rebal_tui.market.fixed import FixedPrices
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.schedule import jobs as scheduled_jobs
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation import simulator
from rebal_tui.services.simulation.demonstration.models import ASSETS, SANDBOX_ASSETS
from rebal_tui.services.wire.shapes import offset_text
from rebal_tui.store import book_settings

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import market

_FIRST_NUMBER = 900_000_001
_MINUTE = timedelta(minutes=1)


def add_default_assets(book: Book) -> None:
    """Add the default ETFs and a few stocks, all eligible, with the prices that the simulated market has for them."""
    with book.write() as tx:
        assets = [
            Asset(book_settings.next_id(tx), symbol, name, exchange, AssetStatus.ACTIVE, True, True)
            for symbol, (name, exchange, _) in {**ASSETS, **SANDBOX_ASSETS}.items()
        ]
        sandbox(book).add_assets(assets)
        tx.record("sandbox.founded", "book", {"assets": len(assets)})
    sync(book)
    scheduler.advance_market(book, book.now())
    scheduled_jobs.save_prices(book)


def open_account(book: Book, name: str, cash: Money) -> Account:
    """Open an ACTIVE account with settled cash. Raises `Invalid` for an invalid name or cash out of range."""
    try:
        shown = name_text(name)
    except ValueError as error:
        raise Invalid([Fault("name", str(error))]) from error
    if not 0 <= cash <= MAX_NANO:
        raise Invalid([Fault("cash", "expected dollars from 0 to 9,000,000,000")])
    controls = sandbox(book)
    with book.write() as tx:
        account = Account(
            id=book_settings.next_id(tx),
            account_number=str(_FIRST_NUMBER + len(book.accounts)),
            name=shown,
            status=AccountStatus.ACTIVE,
            cash=cash,
            unsettled=Money(0),
            restrictions=frozenset(),
            positions=(),
            created_at=book.now(),
        )
        controls.open_account(account)
        tx.record("account.opened", account.id, {"cash": cash}, "advisor")
    sync(book)
    return book.account(account.id)


def set_prices(book: Book, prices: Mapping[str, Price]) -> None:
    """Set prices, which then stay fixed.

    Raises `Conflict` for an unknown asset, or when the market moves prices itself.
    """
    if not isinstance(book.feed, FixedPrices):
        raise Conflict("prices can be set only in a sandbox; this market moves on its own")
    unknown = sorted(set(prices) - set(book.assets))
    if unknown:
        raise Conflict([Fault(symbol, f"asset {symbol} is unknown") for symbol in unknown])
    for symbol, price in prices.items():
        book.feed.set(symbol, price)
    with book.write() as tx:
        tx.record("market.prices", "book", dict(prices), "advisor")
    scheduler.advance_market(book, book.now())
    scheduled_jobs.save_prices(book)


def set_asset(book: Book, symbol: str, change: AssetChange) -> Asset:
    """Change an asset, or add an unknown one: eligible unless `change` has other values, and without a price."""
    controls, now = sandbox(book), book.now()
    asset = book.assets.get(symbol)
    if asset is None:
        with book.write() as tx:
            default = Asset(book_settings.next_id(tx), symbol, symbol, "", AssetStatus.ACTIVE, True, True)
            asset = _changed(default, change)
            controls.add_asset(asset)
            tx.record("market.asset_added", symbol, actor="advisor")
            tx.changed()
    else:
        controls.add_asset(_changed(asset, change))
        with book.write() as tx:
            tx.record("market.asset_changed", symbol, actor="advisor")
            tx.changed()
    if change.halted is not None:
        controls.halt(symbol, change.halted, now)
    sync(book)
    return book.assets[symbol]


def _changed(asset: Asset, change: AssetChange) -> Asset:
    texts = {"name": change.name, "exchange": change.exchange, "status": change.status}
    flags = {"tradable": change.tradable, "fractionable": change.fractionable}
    given = {name: value for name, value in {**texts, **flags}.items() if value is not None}
    return replace(asset, **given)  # type: ignore[arg-type]  # fields by name


def set_account(
    book: Book, account_id: str, *, status: AccountStatus | None, restrictions: frozenset[Restriction] | None
) -> Account:
    """Set the status of an account and replace its broker blocks (R-40); None leaves status or blocks unchanged."""
    book.account(account_id)
    controls = sandbox(book)
    with book.write() as tx:
        if status is not None:
            controls.set_account_status(account_id, status.value, book.now())
        if restrictions is not None:
            controls.set_restrictions(account_id, restrictions, book.now())
        tx.record("account.changed", account_id, {"restrictions": sorted(restrictions or ())}, "advisor")
    sync(book)
    return book.account(account_id)


def reject_next(book: Book, account_id: str, symbol: str, reason: str) -> None:
    """Make the broker accept and then reject the next order of an account and symbol.

    Raises `Conflict` when the simulated broker refuses that.
    """
    book.account(account_id)
    try:
        sandbox(book).reject_next(account_id, symbol, reason)
    except BrokerRefused as refusal:
        raise Conflict(refusal.message) from refusal


def step_minutes(book: Book, minutes: int) -> None:
    """Advance simulated time by `minutes`, with a heartbeat after each minute of a session.

    Minutes outside sessions count too, but are crossed in one jump without heartbeats between.
    """
    clock = simulator.simulated_clock(book)
    target = book.now() + minutes * _MINUTE
    while (current := book.now()) < target:
        session = book.session(current)
        if session is not None and session.open <= current < session.close:
            following = current + _MINUTE
        else:
            following = book.calendar.next_open(current) or target
        clock.jump(min(following, target))
        scheduler.tick(book)


def sandbox_json(book: Book) -> market.Sandbox:
    """The simulated time and the id of the firm account."""
    return {"now": offset_text(book.now()), "firm_account": FIRM_ACCOUNT}
