"""Random walks over every event of a small book, with invariants checked after each step."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.portfolios import DriftBand, PortfolioStatus
from rebal_tui.domain.quantities import Money, parse_money
from rebal_tui.domain.runs import Run, RunStatus, RunType
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.advisory import portfolios, subscriptions, withdrawals
from rebal_tui.services.advisory.cash import create_journal, deposit, release
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.runs.manual import approve_run, cancel_run, create_run, reject_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit
from rebal_tui.store import cash as cash_store
from rebal_tui.store.backup import integrity_faults
from rebal_tui.store.codec import to_time
from tests.services.broker_sync.test_events import agrees
from tests.services.brokers import BrokerWrapper, Repeating, Unreliable, broker, reopen
from tests.services.factories import (
    SLOW,
    account,
    all_runs,
    balanced,
    fill_book,
    make_book,
    new_york,
    set_price,
)

pytestmark = pytest.mark.slow

WALKS = int(os.environ.get("WALKS", "4"))
STEPS = int(os.environ.get("WALK_STEPS", "70"))
ACCOUNTS = ("a", "b", "c")


@dataclass
class RandomWalk:
    """One book of a random walk; `faults` is whether the broker's answers currently get lost."""

    book: Book
    random: Random
    done: list[str] = field(default_factory=list)
    faults: bool = False
    floors: dict[str, int] = field(default_factory=dict)
    orders: int = 0

    def account(self) -> str:
        return self.random.choice(ACCOUNTS)

    def amount(self) -> Money:
        text = self.random.choice(["0.01", "1", "9.99", "10", "250.37", "5000", "30000", "900000"])
        return parse_money(text)


def advance_clock(walk: RandomWalk) -> None:
    clock = walk.book.clock
    assert isinstance(clock, FixedClock)
    leap = walk.random.choice([20, 45, 45, 300, 900, 3_600, 6 * 3_600, 20 * 3_600])
    clock.advance(timedelta(seconds=leap))
    scheduler.tick(walk.book)


def heartbeat(walk: RandomWalk) -> None:
    clock = walk.book.clock
    assert isinstance(clock, FixedClock)
    for _ in range(6):
        clock.advance(timedelta(seconds=30))
        scheduler.tick(walk.book)


def make_deposit(walk: RandomWalk) -> None:
    deposit(walk.book, walk.account(), walk.amount())


def move_price(walk: RandomWalk) -> None:
    symbol = walk.random.choice(["SPY", "TLT", "GLD"])
    price = walk.book.assets[symbol].price or 0
    moved = price * walk.random.randint(75, 130) // 100
    set_price(walk.book, symbol, f"{max(moved, 10**9) / 10**9:.6f}")


def restrict(walk: RandomWalk) -> None:
    kinds: list[frozenset[Restriction]] = [frozenset(), frozenset(), frozenset({Restriction.TRADING_BLOCKED})]
    broker(walk.book).set_restrictions(walk.account(), walk.random.choice(kinds), walk.book.now())


def halt(walk: RandomWalk) -> None:
    broker(walk.book).halt(walk.random.choice(["SPY", "TLT"]), walk.random.random() < 0.4, walk.book.now())


def break_asset(walk: RandomWalk) -> None:
    broker(walk.book).set_asset("TLT", walk.book.now(), tradable=walk.random.random() < 0.7)


def reactivate(walk: RandomWalk) -> None:
    for portfolio in walk.book.portfolios.values():
        if portfolio.status is PortfolioStatus.NEEDS_ADJUSTMENT:
            broker(walk.book).set_asset("TLT", walk.book.now(), tradable=True)
            scheduler.advance_market(walk.book, walk.book.now())
            portfolios.reactivate_portfolio(walk.book, portfolio.id)


def cancel(walk: RandomWalk) -> None:
    for run in list(walk.book.open_runs.values())[:1]:
        cancel_run(walk.book, run.id)


def review(walk: RandomWalk) -> None:
    for run in walk.book.open_runs.values():
        plan = plan_of(walk.book.database, run)
        if plan is not None and walk.random.random() < 0.7:
            approve_run(walk.book, run.id, plan)
        else:
            reject_run(walk.book, run.id, "not today")
        return


def manual_run(walk: RandomWalk) -> None:
    kind = walk.random.choice(list(RunType))
    create_run(walk.book, walk.account(), kind, amount=walk.amount() if kind is RunType.PARTIAL_LIQUIDATION else None)


def withdraw(walk: RandomWalk) -> None:
    withdrawals.request_withdrawal(walk.book, walk.account(), walk.amount())


def cancel_or_retry_withdrawal(walk: RandomWalk) -> None:
    for withdrawal in cash_store.withdrawals(walk.book.database, only_open=True):
        act = walk.random.choice([withdrawals.cancel_withdrawal, withdrawals.retry_withdrawal])
        act(walk.book, withdrawal.id)


def journal(walk: RandomWalk) -> None:
    create_journal(walk.book, walk.account(), walk.amount(), incoming=walk.random.random() < 0.5)


def return_some_deposit(walk: RandomWalk) -> None:
    account_id = walk.account()
    if not any(w.account_id == account_id for w in cash_store.withdrawals(walk.book.database, only_open=True)):
        release(walk.book, account_id)


def resubscribe(walk: RandomWalk) -> None:
    account_id = walk.account()
    if account_id in walk.book.subscriptions:
        subscriptions.unsubscribe(walk.book, walk.book.subscriptions[account_id].id)
    else:
        subscriptions.subscribe_manually(walk.book, account_id, walk.random.choice(list(walk.book.portfolios)))


def external_order(walk: RandomWalk) -> None:
    walk.orders += 1
    request = OrderRequest("a", f"outside-{walk.orders}", "GLD", Side.BUY, notional=parse_money("25"))
    try:
        broker(walk.book).place_external_order("a", request, walk.book.now())
    except BrokerRefused:
        return


def restart(walk: RandomWalk) -> None:
    walk.book = reopen(walk.book, model=SLOW)
    around(walk)


def lose_answers(walk: RandomWalk) -> None:
    walk.faults = not walk.faults


def around(walk: RandomWalk) -> None:
    """Answers get lost while there are faults, and every event is delivered twice."""
    Unreliable(walk.book, lambda _: walk.random.choice(["", "request lost", "reply lost"]) if walk.faults else "")
    Repeating(walk.book)
    assert isinstance(walk.book.broker, BrokerWrapper)


COMMANDS = (
    advance_clock, advance_clock, advance_clock, heartbeat, heartbeat, heartbeat, make_deposit, move_price, move_price,
    restrict, halt, break_asset, reactivate, cancel, review, manual_run, withdraw, cancel_or_retry_withdrawal, journal,
    return_some_deposit, resubscribe,
    external_order, restart, lose_answers,
)  # fmt: skip


def new_walk(seed: int, path: Path) -> RandomWalk:
    book = make_book("2026-03-02 09:29", path=path, model=SLOW)
    tight = tuple(c for c in balanced().conditions if isinstance(c, DriftBand))
    fill_book(
        book,
        [account("a", "1000", {"SPY": "100", "GLD": "20"}), account("b", "20000"), account("c", "0.5", {"TLT": "3"})],
        [
            balanced(conditions=tight, cooldown=1),
            balanced("reviewed", cash="0", weights={"SPY": "60", "TLT": "40"}, review=True),
        ],
        {"a": "balanced", "b": "balanced", "c": "reviewed"},
    )
    walk = RandomWalk(book, Random(seed))
    around(walk)
    return walk


def step(walk: RandomWalk) -> None:
    command = walk.random.choice(COMMANDS)
    walk.done.append(command.__name__)
    try:
        command(walk)
    except Refusal:
        walk.done[-1] += " (refused)"
    scheduler.advance_market(walk.book, walk.book.now())


def holds(walk: RandomWalk) -> None:
    """Conservation, no cash below zero, one order per leg, one open run and one system run per session."""
    book, rows = walk.book, walk.book.database.rows
    agrees(book)
    assert all(one.cash >= 0 for one in book.accounts.values())
    assert (
        rows("SELECT 1 FROM runs WHERE status IN ('QUEUED', 'IN_PROGRESS') GROUP BY account HAVING count(*) > 1") == []
    )
    system = "SELECT 1 FROM runs WHERE initiated_from = 'system' AND counts_quota = 1 GROUP BY account, session"
    assert rows(f"{system} HAVING count(*) > 1") == []
    legs = "SELECT 1 FROM orders GROUP BY run, asset, side HAVING count(*) > 1"
    assert rows(legs) == []
    sent = "SELECT count(*) FROM sim_orders WHERE client_order_id LIKE 'rt-%'"
    assert rows(sent)[0][0] <= rows("SELECT count(*) FROM orders")[0][0]
    for run in all_runs(book):
        if run.phase.value == "buying" and run.status is RunStatus.IN_PROGRESS:
            bought = rows(
                "SELECT coalesce(sum(amount), 0) FROM fills WHERE side = 'buy' "
                "AND run = (SELECT key FROM runs WHERE id = ?)", (run.id,)
            )[0][0]  # fmt: skip
            if bought:
                assert book.accounts[run.account_id].cash + _gone(book, run) >= (run.cash_target or 0), run.id
    memory = (book.accounts, book.extras, book.subscriptions, book.open_runs)
    book.reload()
    assert (book.accounts, book.extras, book.subscriptions, book.open_runs) == memory


def _gone(book: Book, run: Run) -> int:
    """Cash that left the account since a run started, other than through the run."""
    since = to_time(run.started_at or run.created_at)
    journals = book.database.rows(
        "SELECT coalesce(-sum(amount), 0) FROM cash_entries WHERE at >= ? AND amount < 0 AND kind <> 'buy' "
        "AND account = (SELECT key FROM accounts WHERE id = ?)", (since, run.account_id),
    )  # fmt: skip
    others = book.database.rows(
        "SELECT coalesce(sum(amount), 0) FROM fills WHERE at >= ? AND run IS NULL AND side = 'buy' "
        "AND account = (SELECT key FROM accounts WHERE id = ?)", (since, run.account_id),
    )  # fmt: skip
    return int(journals[0][0] + others[0][0])


@pytest.mark.parametrize("seed", range(WALKS))
def test_with_any_events_the_books_agree_and_every_run_ends(seed: int, tmp_path: Path) -> None:
    walk = new_walk(seed, tmp_path / "book.db")
    try:
        for _ in range(STEPS):
            step(walk)
            holds(walk)
        _calm_down(walk)
    except BaseException as error:
        error.add_note(f"seed {seed}, after {walk.done}")
        raise


def _calm_down(walk: RandomWalk) -> None:
    """Without faults, every run ends within the next days, and the file is consistent."""
    book = walk.book
    walk.faults = False
    for symbol in ("SPY", "TLT"):
        broker(book).halt(symbol, False, book.now())
    clock = book.clock
    assert isinstance(clock, FixedClock)
    opening = book.calendar.next_open(book.now())
    assert opening is not None
    clock.set(opening)
    for _ in range(40):
        clock.advance(timedelta(seconds=60))
        scheduler.tick(book)
        holds(walk)
    session = book.session()
    assert session is not None
    clock.set(max(clock.now(), session.close))
    for _ in range(3):
        clock.advance(timedelta(minutes=2))
        scheduler.tick(book)
    holds(walk)
    left = [run for run in book.open_runs.values() if run.status is RunStatus.IN_PROGRESS]
    assert left == []
    assert audit.verify(book.database) == []
    assert integrity_faults(book.database.connection) == []
    assert book.now() > new_york("2026-03-02 09:29")
