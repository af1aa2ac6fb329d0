"""Import of a BOOK.json into an open, empty book, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.errors import Conflict, Fault
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, Subscription
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.events import reload_from_broker, skip_events
from rebal_tui.services.parsing.book_values import LONG_AGO, BookFile, derived_id
from rebal_tui.store import assets as asset_store
from rebal_tui.store import book_settings, portfolios, trading_rules


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The number of imported records of each type."""

    assets: int
    accounts: int
    positions: int
    portfolios: int
    subscriptions: int


def import_book(book: Book, parsed: BookFile) -> ImportSummary:
    """Create the accounts of a file at the simulated broker and import its portfolios and subscriptions.

    Done in one transaction: either everything is stored or nothing. A file without `as_of` describes the book's
    present. Raises `Conflict` when the book already has any account, or a portfolio with the id of one in the file,
    when the book's broker is a real one, or when the simulated broker refuses an asset or an account.
    """
    controls = sandbox(book)
    _require_empty(book, parsed)
    summary = ImportSummary(
        len(parsed.assets),
        len(parsed.accounts),
        sum(len(account.positions) for account in parsed.accounts),
        len(parsed.portfolios),
        len(parsed.subscriptions),
    )
    try:
        with book.write() as tx:
            controls.add_assets([_known_as(book, asset) for asset in parsed.assets])
            controls.open_accounts([_opened(book, account) for account in parsed.accounts])
            reload_from_broker(book)
            skip_events(tx)
            _save_prices(tx, parsed)
            _add_portfolios(tx, parsed)
            counts = {"assets": summary.assets, "accounts": summary.accounts, "portfolios": summary.portfolios}
            if parsed.restrictions:
                counts["restrictions"] = len(parsed.restrictions)
            statuses = {one: status for one, status, _ in parsed.portfolios if status is not PortfolioStatus.ACTIVE}
            detail = {**counts, "subscriptions": summary.subscriptions, "statuses": statuses}
            tx.record("book.imported", "book", detail, "advisor")
            tx.reload()
    except BrokerRefused as refusal:
        raise Conflict(f"{refusal.code}: {refusal.message}") from refusal
    return summary


def _require_empty(book: Book, parsed: BookFile) -> None:
    if book.accounts or book.broker.accounts():
        raise Conflict(f"the book is not empty (accounts: {len(book.accounts):,}); import into a new book")
    faults = [
        Fault(f"portfolios[{index}].id", f"portfolio {portfolio.id} already exists in the book")
        for index, portfolio in enumerate(parsed.portfolios)
        if portfolio.id in book.portfolios
    ]
    if faults:
        raise Conflict(faults)


def _known_as(book: Book, asset: Asset) -> Asset:
    """An asset of the file with the book's exchange of it, and with the book's id if the file gives none."""
    before = book.assets_by_id.get(asset.id)
    if before is None and asset.id == derived_id("asset", asset.symbol):
        before = book.assets.get(asset.symbol)
    return replace(asset, id=before.id, exchange=before.exchange) if before else asset


def _opened(book: Book, account: Account) -> Account:
    return replace(account, created_at=book.now()) if account.created_at == LONG_AGO else account


def _save_prices(tx: BookTransaction, parsed: BookFile) -> None:
    book = tx.book
    asset_store.save_prices(
        tx,
        ((a.symbol, a.price, a.price_at or book.now()) for a in parsed.assets if a.price is not None),
    )


def _add_portfolios(tx: BookTransaction, parsed: BookFile) -> None:
    book = tx.book
    at = parsed.as_of or book.now()
    for identity, status, body in parsed.portfolios:
        portfolio = Portfolio(
            identity, body.name, body.description, status, body.weights, body.cooldown_days, body.conditions, at, at,
            at, body.review, "", body.rebalance_to, body.rebalance_scope, body.minimum_trade, body.stagger_sessions,
        )  # fmt: skip
        portfolios.save(tx, portfolio, book.actor("advisor"))
    made = [
        (Subscription(book_settings.next_id(tx), account_id, portfolio_id, at, last), overrides)
        for account_id, portfolio_id, last, overrides in parsed.subscriptions
    ]
    portfolios.add_subscriptions(tx, [subscription for subscription, _ in made])
    trading_rules.put_overrides(tx, [(one.id, overrides) for one, overrides in made if overrides is not None])
    trading_rules.put_account_settings(tx, parsed.account_settings)
    trading_rules.add_restrictions(tx, parsed.restrictions, at)
    if parsed.minimum_trade is not None:
        trading_rules.put_book_minimum(tx, parsed.minimum_trade)
