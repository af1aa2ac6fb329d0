"""Small books for tests of the services: real SQLite, the real simulated broker, a clock and prices that are set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
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
from rebal_tui.domain.quantities import Money, Percent, parse_money, parse_percent, parse_price, parse_qty
from rebal_tui.domain.runs import Run
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.fixed import FixedPrices
from rebal_tui.services import scheduler
from rebal_tui.services.book import Book
from rebal_tui.services.sync import sync, take_over_everything
from rebal_tui.store import meta, portfolios, runs
from rebal_tui.store.database import MEMORY

PRICES = {"SPY": "400.00", "TLT": "100.00", "GLD": "180.00"}
SLOW = FillModel(latency_seconds=(20, 90), partial_chance=60, max_pieces=3, seed=7)


def new_york(text: str) -> datetime:
    """`2026-03-02 09:30` in New York."""
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
    """5 cash, 60 SPY, 35 TLT with ±5 pp and ±20 %, unless told otherwise."""
    at = new_york("2026-01-05 10:00")
    assets = tuple(AssetWeight(s, parse_percent(p)) for s, p in (weights or {"SPY": "60", "TLT": "35"}).items())
    return Portfolio(
        portfolio_id, portfolio_id.title(), "", PortfolioStatus.ACTIVE, Weights(assets, parse_percent(cash)),
        cooldown, tuple(conditions), at, at, review,
    )  # fmt: skip


def monthly(day: str) -> CalendarCondition:
    return CalendarCondition(CalendarType.MONTHLY, day)


def account(
    account_id: str, cash: str = "0", positions: Mapping[str, str] | None = None, restrictions: Sequence[str] = ()
) -> Account:
    held = tuple(Position(s, parse_qty(q), parse_price("50")) for s, q in (positions or {}).items())
    return Account(
        account_id, f"N-{account_id}", f"Client {account_id}", AccountStatus.ACTIVE, parse_money(cash), Money(0),
        frozenset(Restriction(r) for r in restrictions), held, new_york("2026-01-05 10:00"),
    )  # fmt: skip


def make_book(
    at: str | datetime = "2026-03-02 09:30",
    *,
    path: Path | str = MEMORY,
    prices: Mapping[str, str] = PRICES,
    model: FillModel | None = None,
) -> Book:
    """A book at a New York time; orders fill at once unless a model says otherwise. An existing file is opened."""
    return bootstrap.memory_book(
        new_york(at) if isinstance(at, str) else at,
        prices={s: parse_price(p) for s, p in prices.items()},
        path=path,
        model=model,
    )


def fill_book(
    book: Book,
    accounts: Sequence[Account],
    models: Sequence[Portfolio],
    follows: Mapping[str, str],
    last: Mapping[str, datetime] | None = None,
) -> None:
    """Put accounts, portfolios and subscriptions (account id → portfolio id) into a new book."""
    assert book.sandbox is not None
    symbols = book.feed.quotes() if book.feed else {}
    for symbol in symbols:
        book.sandbox.add_asset(Asset(f"id-{symbol}", symbol, symbol, "ARCA", AssetStatus.ACTIVE, True, True))
    for one in accounts:
        book.sandbox.open_account(one)
    sync(book)
    take_over_everything(book)
    with book.database.write():
        for model in models:
            portfolios.save(book.database, model)
        portfolios.add_subscriptions(
            book.database,
            [
                Subscription(meta.next_id(book.database), a, p, book.now(), (last or {}).get(a))
                for a, p in follows.items()
            ],
        )
    book.reload()


def simple_book(at: str = "2026-03-02 09:30", cash: str = "50000", **options: object) -> Book:
    """One account `a` with cash that follows the 5/60/35 portfolio."""
    book = make_book(at, **options)  # type: ignore[arg-type]
    fill_book(book, [account("a", cash)], [balanced()], {"a": "balanced"})
    return book


def go_to(book: Book, at: str) -> None:
    """Set the clock to a New York time and let the heart beat once."""
    clock = book.clock
    assert isinstance(clock, FixedClock)
    clock.set(new_york(at))
    scheduler.tick(book)


def go_on(book: Book, minutes: int, step_seconds: int = 30) -> None:
    """Let time pass, a heartbeat every so many seconds."""
    clock = book.clock
    assert isinstance(clock, FixedClock)
    for _ in range(minutes * 60 // step_seconds):
        clock.advance(timedelta(seconds=step_seconds))
        scheduler.tick(book)


def set_price(book: Book, symbol: str, price: str) -> None:
    assert isinstance(book.feed, FixedPrices)
    book.feed.set(symbol, parse_price(price))
    scheduler.advance_market(book, book.now())


def all_runs(book: Book) -> list[Run]:
    """Every run, the oldest first."""
    return list(reversed(runs.newest(book.database, 1_000)))


def only_run(book: Book) -> Run:
    found = all_runs(book)
    assert len(found) == 1
    return found[0]
