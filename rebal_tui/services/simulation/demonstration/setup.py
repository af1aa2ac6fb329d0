"""Initial content of the demonstration book."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, Subscription
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.events import reload_from_broker, skip_events
from rebal_tui.services.simulation.demonstration.accounts import Client, Kind, identity, make_clients
from rebal_tui.services.simulation.demonstration.models import ASSETS, MODELS, start_prices
from rebal_tui.services.simulation.demonstration.script import mark
from rebal_tui.store import portfolios

MAX_ACCOUNTS = 100_000
DEFAULT_START = datetime(2026, 11, 23, 9, 31, tzinfo=NEW_YORK)
"""The Monday of a week with a holiday and a half day, one minute after the open."""
TURBULENCE = "2"
"""How much more volatile than a real market, so that drift is visible."""


def populate(book: Book, accounts: int, seed: str) -> None:
    """Fill an empty simulated book whose prices are `start_prices()`; the same seed gives the same book.

    In one transaction. Raises `Invalid` for a number of accounts outside 1 to 100,000, `Conflict` for a book that is in
    use or has a real broker.
    """
    if not 1 <= accounts <= MAX_ACCOUNTS:
        raise Invalid([Fault("accounts", f"expected 1 to {MAX_ACCOUNTS:,} accounts")])
    controls = sandbox(book)
    if book.accounts or book.portfolios:
        raise Conflict("the demonstration needs an empty book")
    rng = random.Random(f"demonstration {seed}")
    now = book.now()
    before = book.calendar.days(book.calendar.known_from, book.today() - timedelta(days=1))
    clients = make_clients(accounts, rng, now, before, start_prices())
    try:
        with book.write() as tx:
            controls.add_assets([_asset(symbol, rng) for symbol in ASSETS])
            controls.open_accounts([client.account for client in clients])
            reload_from_broker(book)
            skip_events(tx)
            models = _save_models(tx, rng)
            subscriptions = _subscriptions(clients, models, rng)
            portfolios.add_subscriptions(tx, subscriptions)
            _plan_rejection(book, clients)
            mark(tx, seed, accounts)
            statuses = {models[one.name]: one.status for one in MODELS if one.status is not PortfolioStatus.ACTIVE}
            detail = {"accounts": accounts, "subscriptions": len(subscriptions), "seed": seed, "statuses": statuses}
            tx.record("book.demonstration", "book", detail)
            tx.reload()
    except BrokerRefused as refusal:
        raise Conflict(f"{refusal.code}: {refusal.message}") from refusal


def _asset(symbol: str, rng: random.Random) -> Asset:
    name, exchange, _ = ASSETS[symbol]
    return Asset(identity(rng), symbol, name, exchange, AssetStatus.ACTIVE, tradable=True, fractionable=True)


def _save_models(tx: BookTransaction, rng: random.Random) -> dict[str, str]:
    """Save the model portfolios; returns their ids by name."""
    book = tx.book
    ids = {}
    for model in MODELS:
        created_at = book.now() - timedelta(days=rng.randint(900, 3_300))
        updated_at = created_at + timedelta(days=rng.randint(0, 800))
        portfolio = Portfolio(
            id=identity(rng),
            name=model.name,
            description=model.description,
            status=model.status,
            weights=model.weights,
            cooldown_days=model.cooldown_days,
            conditions=model.conditions,
            created_at=created_at,
            updated_at=updated_at,
            changed_at=updated_at,
        )
        portfolios.save(tx, portfolio)
        ids[model.name] = portfolio.id
    return ids


def _subscriptions(clients: list[Client], models: dict[str, str], rng: random.Random) -> list[Subscription]:
    return [
        Subscription(
            identity(rng), client.account.id, models[client.model.name], client.subscribed_at, client.last_rebalanced_at
        )
        for client in clients
        if client.model is not None
    ]


def _plan_rejection(book: Book, clients: list[Client]) -> None:
    """Make the broker reject an order of one of the first runs, so that the demonstration shows a failed order."""
    trading = [c for c in clients if c.kind is Kind.OUTSIDE and c.model and len(c.account.positions) > 2]
    for client in trading[1:2]:
        symbol = client.account.positions[0].symbol
        sandbox(book).reject_next(client.account.id, symbol, "rejected by the venue: price band")
