"""The scenarios that the crash tests interrupt: each run type, cancel, withdrawal, review, import, backup."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rebal_tui import bootstrap, opening
from rebal_tui.domain.portfolios import AssetWeight, PortfolioStatus, Weights
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.runs import Approval, RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.advisory import cash, portfolios, subscriptions, withdrawals
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.evaluation_pass import chunks
from rebal_tui.services.importing.book_import import import_book
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.runs import manual as manual_runs
from rebal_tui.services.runs import starting
from rebal_tui.services.simulation import simulator
from rebal_tui.store import cash as cash_store
from rebal_tui.store import runs as run_store
from tests.reliability.crash import Act, Scenario

OPEN = "2026-03-02 09:30"
PERCENT_BANDS = [{"type": "drift_band", "sub_type": "absolute", "percent": "5"}]


def book_json(*, review: bool = False, on_target: bool = False) -> dict[str, Any]:
    """Three assets, three accounts, two portfolios; `a` and `b` follow the first."""
    held = {"SPY": "30", "TLT": "70"} if on_target else {"SPY": "20", "GLD": "10"}
    portfolio = {
        "name": "Balanced", "cooldown_days": 7, "rebalance_conditions": PERCENT_BANDS, "review": review,
        "weights": [{"type": "asset", "symbol": "SPY", "percent": "60"},
                    {"type": "asset", "symbol": "TLT", "percent": "35"}, {"type": "cash", "percent": "5"}],
    }  # fmt: skip
    last = "2026-02-27T10:00:00-05:00" if on_target else None
    return {
        "as_of": "2026-03-02T09:29:00-05:00",
        "assets": [{"symbol": s, "price": p} for s, p in (("SPY", "400"), ("TLT", "100"), ("GLD", "180"))],
        "accounts": [
            {"id": "a", "account_number": "1", "name": "Ada", "cash": "1000",
             "positions": [{"symbol": s, "qty": q} for s, q in held.items()]},
            {"id": "b", "account_number": "2", "name": "Bob", "cash": "1000" if on_target else "20000",
             "positions": [{"symbol": s, "qty": q} for s, q in held.items()] if on_target else []},
            {"id": "c", "account_number": "3", "name": "Cleo", "cash": "500",
             "positions": [{"symbol": "GLD", "qty": "4"}]},
        ],
        "portfolios": [{**portfolio, "id": "p"}, {**portfolio, "id": "q", "name": "Other", "review": False}],
        "subscriptions": [{"account_id": x, "portfolio_id": "p", "last_rebalanced_at": last} for x in "ab"],
    }  # fmt: skip


def create_book(path: Path, *, review: bool = False, on_target: bool = False) -> None:
    """A simulated market whose clock moves only on request, with the book imported."""
    database = bootstrap.open_database(path)
    start = datetime.fromisoformat(OPEN).replace(tzinfo=NEW_YORK) - timedelta(minutes=1)
    bootstrap.create_simulation(database, start=start, seed="crash", paused=True)
    import_book(
        bootstrap.open_simulation(database), parse_book(json.dumps(book_json(review=review, on_target=on_target)))
    )
    database.close()


def create_empty_book(path: Path) -> None:
    database = bootstrap.open_database(path)
    start = datetime.fromisoformat(OPEN).replace(tzinfo=NEW_YORK) - timedelta(minutes=1)
    bootstrap.create_simulation(database, start=start, seed="crash", paused=True)
    database.close()


def heartbeats(*acts: tuple[str, Act | None], every: int = 6, times: int = 9) -> tuple[tuple[str, Act | None], ...]:
    """Each act at its time, then `times` heartbeats `every` minutes apart."""
    made: list[tuple[str, Act | None]] = []
    for at, act in acts:
        made.append((at, act))
        timestamp = datetime.fromisoformat(at)
        made += [
            ((timestamp + timedelta(minutes=every * n)).isoformat(" ", "minutes"), None) for n in range(1, times + 1)
        ]
    return tuple(made)


def unless_done(known: Callable[[Book], object], act: Act) -> Act:
    """Run an act only when its effect is not visible yet."""
    return lambda book: None if known(book) else act(book)


def _run_of(book: Book, account_id: str) -> object:
    return run_store.newest(book.database, 1, account_id)


def _deposited(book: Book, account_id: str) -> object:
    return [e for e in book.broker.events(0) if e.cash and e.cash.kind == "deposit" and e.account_id == account_id]


def _cancel(book: Book) -> None:
    for run in list(book.open_runs.values()):
        if not run.cancel_requested:
            manual_runs.cancel_run(book, run.id)


def _answer(book: Book, yes: bool) -> None:
    for run in list(book.open_runs.values()):
        plan = plan_of(book.database, run)
        if run.approval is Approval.AWAITING and plan is not None:
            if yes:
                manual_runs.approve_run(book, run.id, plan)
            else:
                manual_runs.reject_run(book, run.id, "not today")


def _withdraw(book: Book) -> None:
    withdrawals.request_withdrawal(book, "a", parse_money("6000"))


def _cancel_withdrawal(book: Book) -> None:
    for withdrawal in cash_store.withdrawals(book.database, only_open=True):
        withdrawals.cancel_withdrawal(book, withdrawal.id)


def _kill_asset(book: Book) -> None:
    if book.assets["TLT"].tradable:
        simulator.set_tradable(book, "TLT", False)


def _revive(book: Book) -> None:
    if not book.assets["TLT"].tradable:
        simulator.set_tradable(book, "TLT", True)
    if book.portfolios["p"].status is PortfolioStatus.NEEDS_ADJUSTMENT:
        portfolios.reactivate_portfolio(book, "p")


def _bulk(book: Book) -> None:
    subscriptions.unsubscribe_many(book, [x for x in "ab" if x in book.subscriptions and _portfolio(book, x) == "p"])
    subscriptions.subscribe_many(book, [x for x in "abc" if x not in book.subscriptions], "q")


def _portfolio(book: Book, account_id: str) -> str:
    return book.subscriptions[account_id].portfolio_id


def _deposit(book: Book) -> None:
    cash.sandbox(book).deposit("b", parse_money("2500"), book.now())


def _return_deposit(book: Book) -> None:
    cash.sandbox(book).return_deposit("b", parse_money("400"), book.now())


def _returned(book: Book) -> object:
    return [e for e in book.broker.events(0) if e.cash and e.cash.kind == "ach_return"]


def _import(path: Path) -> Book:
    """Open a book, importing it when it is empty, as the program does."""
    database = bootstrap.open_database(path)
    empty_still = bootstrap.is_empty(database)
    database.close()
    if empty_still:
        bootstrap.import_file(path, parse_book(json.dumps(book_json())))
    return opening.open_book(path)


@contextmanager
def _single_item_chunks() -> Iterator[None]:
    """Evaluate every subscription in its own transaction; its run starts when it is created."""
    with patch.object(chunks, "MAX_ACCOUNTS_PER_CHUNK", 1), patch.object(starting, "ARRAY_START_MIN_RUNS", 1):
        yield


HALF_GOLD = Weights((AssetWeight("SPY", Percent(6_000)), AssetWeight("GLD", Percent(4_000))))
_plain = create_book
_reviewed = partial(create_book, review=True)
_settled = partial(create_book, on_target=True)
_manual_run = partial(manual_runs.create_run, account_id="c", kind=RunType.FULL_REBALANCE, weights=HALF_GOLD)
_liquidate = partial(
    manual_runs.create_run, account_id="a", kind=RunType.PARTIAL_LIQUIDATION, amount=parse_money("3000")
)  # fmt: skip

SCENARIOS: dict[str, Scenario] = {
    "full_rebalance": Scenario(_plain, heartbeats((OPEN, None))),
    "full_rebalance in chunks": Scenario(_plain, heartbeats((OPEN, None)), within=_single_item_chunks),
    "invest_cash": Scenario(_settled, heartbeats((OPEN, unless_done(partial(_deposited, account_id="b"), _deposit)))),
    "partial_liquidation": Scenario(
        _settled, heartbeats((OPEN, unless_done(partial(_run_of, account_id="a"), _liquidate)))
    ),
    "manual run with weights": Scenario(
        _plain, heartbeats((OPEN, unless_done(partial(_run_of, account_id="c"), _manual_run)))
    ),
    "cancel while queued": Scenario(_reviewed, heartbeats((OPEN, _cancel), times=3)),
    "cancel mid-run": Scenario(
        _plain, heartbeats((OPEN, None), times=1) + heartbeats(("2026-03-02 09:38", _cancel), times=4)
    ),
    "withdrawal": Scenario(
        _settled,
        heartbeats((OPEN, unless_done(lambda book: cash_store.withdrawals(book.database), _withdraw)), times=8)
        + heartbeats(("2026-03-03 09:30", None), times=6),
    ),
    "withdrawal canceled": Scenario(
        _settled,
        heartbeats((OPEN, unless_done(lambda book: cash_store.withdrawals(book.database), _withdraw)), times=8)
        + heartbeats(("2026-03-02 12:00", _cancel_withdrawal), times=2),
    ),
    "settlement": Scenario(
        _plain,
        heartbeats((OPEN, None), times=8) + heartbeats(("2026-03-03 09:30", None), ("2026-03-04 09:30", None), times=1),
    ),
    "review approved": Scenario(_reviewed, heartbeats((OPEN, partial(_answer, yes=True)))),
    "review rejected": Scenario(_reviewed, heartbeats((OPEN, partial(_answer, yes=False)), times=3)),
    "review expired": Scenario(_reviewed, heartbeats((OPEN, None), ("2026-03-02 15:40", None), times=1)),
    "needs adjustment": Scenario(
        _plain,
        heartbeats((OPEN, _kill_asset), times=6)
        + heartbeats(("2026-03-02 11:00", _revive), ("2026-03-03 09:30", None), times=8),
    ),
    "deposit and its return": Scenario(
        _settled,
        heartbeats((OPEN, unless_done(partial(_deposited, account_id="b"), _deposit)), times=5)
        + heartbeats(
            ("2026-03-02 11:00", unless_done(_returned, _return_deposit)), ("2026-03-03 09:30", None), times=4
        ),
    ),
    "bulk subscription": Scenario(_plain, heartbeats(("2026-03-02 16:30", _bulk), ("2026-03-03 09:30", None), times=7)),
    "close and backup": Scenario(
        _settled, heartbeats((OPEN, None), ("2026-03-02 16:00", None), ("2026-03-03 16:00", None), times=1)
    ),
    "import": Scenario(create_empty_book, heartbeats((OPEN, None), times=7), begin=_import),
    "the close precedes the fills": Scenario(
        _plain,
        heartbeats(("2026-03-02 15:30", None), every=10, times=3) + heartbeats(("2026-03-02 16:01", None), times=2),
    ),
}
