"""Small books for service tests: real SQLite, the real simulated broker, and a clock and prices set by the test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import Order, SkippedOrder
from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    DriftBand,
    Portfolio,
    PortfolioStatus,
    Subscription,
    Weights,
)
from rebal_tui.domain.quantities import Money, Percent, Price, parse_money, parse_percent, parse_price, parse_qty
from rebal_tui.domain.runs import Approval, Run, RunPhase, RunStatus
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.fixed import FixedPrices
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.settings import Mode, Settings
from rebal_tui.services.broker_sync.events import reload_from_broker, sync
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, book_settings, jobs, portfolios, run_orders, runs
from rebal_tui.store import sessions as session_store
from rebal_tui.store.database import EPOCH, MEMORY, Database
from rebal_tui.store.holds import Hold, HoldCause, HoldKind

PRICES = {"SPY": "400.00", "TLT": "100.00", "GLD": "180.00"}
SLOW = FillModel(latency_seconds=(20, 90), partial_chance=60, max_pieces=3, seed=7)


def new_york(text: str) -> datetime:
    """A New York time such as `2026-03-02 09:30`."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def balanced(
    portfolio_id: str = "balanced",
    weights: Mapping[str, str] | None = None,
    cash: str = "5",
    cooldown: int = 7,
    conditions: Sequence[Condition] = (
        DriftBand(BandType.ABSOLUTE, Percent(500)),
        DriftBand(BandType.RELATIVE, Percent(2000)),
    ),
    *,
    review: bool = False,
) -> Portfolio:
    """5 cash, 60 SPY, 35 TLT with ±5 pp and ±20 % by default."""
    at = new_york("2026-01-05 10:00")
    assets = tuple(AssetWeight(s, parse_percent(p)) for s, p in (weights or {"SPY": "60", "TLT": "35"}).items())
    return Portfolio(
        portfolio_id, portfolio_id.title(), "", PortfolioStatus.ACTIVE, Weights(assets, parse_percent(cash)),
        cooldown, tuple(conditions), at, at, at, review,
    )  # fmt: skip


def monthly(day: str) -> CalendarCondition:
    return CalendarCondition(CalendarType.MONTHLY, day)


NAMES: dict[str, str] = {}
"""Names of accounts by id, of account numbers by `N-` and id, and of assets by symbol; other names follow from these.
Pictures of the screens fill it."""


def account(
    account_id: str, cash: str = "0", positions: Mapping[str, str] | None = None, restrictions: Sequence[str] = ()
) -> Account:
    held = tuple(Position(s, parse_qty(q), parse_price("50")) for s, q in (positions or {}).items())
    return Account(
        account_id, NAMES.get(f"N-{account_id}", f"N-{account_id}"), NAMES.get(account_id, f"Client {account_id}"),
        AccountStatus.ACTIVE, parse_money(cash), Money(0),
        frozenset(Restriction(r) for r in restrictions), held, new_york("2026-01-05 10:00"),
    )  # fmt: skip


def paused(reason: str, at: datetime) -> Hold:
    """A pause for one difference that a reconciliation found."""
    return Hold((HoldCause(HoldKind.RECONCILIATION, reason, at),))


def make_book(
    at: str | datetime = "2026-03-02 09:30",
    *,
    path: Path | str = MEMORY,
    prices: Mapping[str, str] = PRICES,
    model: FillModel | None = None,
) -> Book:
    """A book at a New York time; orders fill at once unless a model is given. An existing file is opened."""
    starts_at = new_york(at) if isinstance(at, str) else at
    parsed = {s: parse_price(p) for s, p in prices.items()}
    if path != MEMORY and Path(path).exists():
        return bootstrap.memory_book(starts_at, prices=parsed, path=path, model=model)
    return _opened(_created(starts_at), starts_at, parsed, model, path)


def _opened(
    made: Database, at: datetime, prices: Mapping[str, Price], model: FillModel | None = None, path: Path | str = MEMORY
) -> Book:
    """Open a copy of a book."""
    database = copied(made, path)
    calendar = TradingCalendar(session_store.load(database))
    settings = Settings(Mode.SIMULATED, price_max_age=None)
    model = model or FillModel.immediate()
    return bootstrap.assemble(database, FixedClock(at), calendar, FixedPrices(prices, at), settings, model)


def copied(made: Database, path: Path | str = MEMORY) -> Database:
    """A copy of a book in a new database, which may write."""
    database = Database(path)
    made.connection.backup(database.connection)
    database.claim_epoch()
    return database


@lru_cache(maxsize=64)
def _created(at: datetime) -> Database:
    """What `memory_book` makes of an empty file before opening it; made once and copied."""
    database = bootstrap.open_database(MEMORY)
    bootstrap.create_simulation(database, start=at, seed="memory", paused=True, fills="immediate")
    with database.write() as tx:
        tx.execute("DELETE FROM meta WHERE name = ?", (EPOCH,))
    return database


def fill_book(
    book: Book,
    accounts: Sequence[Account],
    models: Sequence[Portfolio],
    follows: Mapping[str, str],
    last: Mapping[str, datetime] | None = None,
) -> None:
    """Add accounts, portfolios and subscriptions (account id → portfolio id) to a new book."""
    assert book.sandbox is not None
    symbols = book.feed.quotes() if book.feed else {}
    for symbol in symbols:
        name = NAMES.get(symbol, symbol)
        book.sandbox.add_asset(Asset(f"id-{symbol}", symbol, name, "ARCA", AssetStatus.ACTIVE, True, True))
    for one in accounts:
        book.sandbox.open_account(one)
    sync(book)
    reload_from_broker(book)
    with book.database.write() as tx:
        for model in models:
            portfolios.save(tx, model)
        portfolios.add_subscriptions(
            tx,
            [
                Subscription(book_settings.next_id(tx), a, p, book.now(), (last or {}).get(a))
                for a, p in follows.items()
            ],
        )
    book.reload()


def simple_book(
    at: str = "2026-03-02 09:30",
    cash: str = "50000",
    held: Mapping[str, str] | None = None,
    *,
    names: Sequence[str] = "a",
    follows: Portfolio | None = None,
    **options: object,
) -> Book:
    """An account `a` with cash that follows the 5/60/35 portfolio, or several such accounts that follow another one."""
    model = follows or balanced()
    if options:
        return _filled(make_book(at, **options), cash, held or {}, names, model)  # type: ignore[arg-type]
    made = _simple(at, cash, tuple((held or {}).items()), tuple(names), model, tuple(NAMES.items()))
    return _opened(made, new_york(at), {symbol: parse_price(price) for symbol, price in PRICES.items()})


def _filled(book: Book, cash: str, held: Mapping[str, str], names: Sequence[str], model: Portfolio) -> Book:
    fill_book(book, [account(name, cash, held) for name in names], [model], dict.fromkeys(names, model.id))
    return book


@lru_cache(maxsize=128)
def _simple(
    at: str, cash: str, held: tuple[tuple[str, str], ...], names: tuple[str, ...], model: Portfolio, _named: object
) -> Database:
    """What `simple_book` copies; made once for the same arguments and names."""
    return _filled(make_book(at), cash, dict(held), names, model).database


def selling_book(
    held: Mapping[str, str], cash: str = "0", *, at: str = "2026-03-02 09:30", follows: Portfolio | None = None
) -> Book:
    """An account whose run slowly sells its holdings to reach the 5/60/35 portfolio or another one."""
    book = simple_book(at, cash, held, follows=follows, model=SLOW)
    scheduler.tick(book)
    assert only_run(book).phase is RunPhase.SELLING
    return book


def review_book(names: Sequence[str] = "a") -> Book:
    """Accounts with cash whose first run, planned at the open, awaits approval."""
    book = simple_book(names=names, follows=balanced(review=True))
    scheduler.tick(book)
    assert {run.approval for run in all_runs(book)} == {Approval.AWAITING}
    return book


def set_clock(book: Book, at: str) -> None:
    """Set the clock to a New York time, without a heartbeat."""
    assert isinstance(book.clock, FixedClock)
    book.clock.set(new_york(at))


def advance_clock(book: Book, **elapsed: float) -> None:
    """Advance the clock without a heartbeat."""
    assert isinstance(book.clock, FixedClock)
    book.clock.advance(timedelta(**elapsed))


def advance_to(book: Book, at: str) -> None:
    """Set the clock to a New York time and run one heartbeat."""
    set_clock(book, at)
    scheduler.tick(book)


def advance(book: Book, minutes: int, step_seconds: int = 30) -> None:
    """Advance the clock with a heartbeat every given number of seconds."""
    for _ in range(minutes * 60 // step_seconds):
        advance_clock(book, seconds=step_seconds)
        scheduler.tick(book)


def advance_market_to(book: Book, at: str) -> None:
    """Set the clock to a New York time and advance the market to it, without a heartbeat."""
    set_clock(book, at)
    scheduler.advance_market(book, book.now())


def set_price(book: Book, symbol: str, price: str) -> None:
    assert isinstance(book.feed, FixedPrices)
    book.feed.set(symbol, parse_price(price))
    scheduler.advance_market(book, book.now())


def unsubscribe_account(book: Book, account_id: str) -> None:
    """End an account's subscription. Raises `NotFound` for an unknown account, `Conflict` when it has none."""
    number, subscription = book.account(account_id).account_number, book.subscriptions.get(account_id)
    if subscription is None:
        raise Conflict(f"account {number} follows no portfolio")
    subscriptions.unsubscribe(book, subscription.id)


def all_runs(book: Book) -> list[Run]:
    """Every run, oldest first."""
    return list(reversed(runs.newest(book.database, 1_000)))


def only_run(book: Book) -> Run:
    found = all_runs(book)
    assert len(found) == 1
    return found[0]


def statuses(book: Book) -> dict[str, RunStatus]:
    """The status of the only run of each account."""
    return {run.account_id: run.status for run in all_runs(book)}


def orders(book: Book, run: Run | None = None) -> list[Order]:
    """The orders of a run, by default of the only one, by order key."""
    return [order for _, order, _ in run_orders.of_run(book.database, (run or only_run(book)).id)]


def skips(book: Book, run: Run | None = None) -> list[SkippedOrder]:
    """The skipped orders of a run, by default of the only one."""
    return run_orders.skipped_orders(book.database, (run or only_run(book)).id)


def alerts(book: Book) -> list[tuple[str, str, str]]:
    """The kind, subject and text of every open alert."""
    return [(alert.kind, alert.subject, alert.text) for alert in jobs.open_alerts(book.database)]


def entries(book: Book, action: str) -> list[tuple[str, str, object]]:
    """The audit entries of an action, newest first: subject, actor, detail."""
    return [(e.subject, e.actor, json.loads(e.detail)) for e in audit.entries(book.database) if e.action == action]
