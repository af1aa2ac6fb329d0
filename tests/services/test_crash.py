"""Killed at any SQL statement and started again, a book ends in the same state as undisturbed (G4)."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.domain.quantities import parse_money
from rebal_tui.market.clock import FixedClock
from rebal_tui.services import scheduler, withdrawals
from rebal_tui.services.book import Book
from rebal_tui.services.runs import cancel_run
from rebal_tui.store import audit, runs
from rebal_tui.store.backup import integrity_faults
from tests.services.worlds import SLOW, account, balanced, fill_book, make_book, new_york

Step = tuple[str, Callable[[Book], None] | None]
Beat = tuple[datetime, Callable[[Book], None] | None]
POINTS = int(os.environ.get("CRASH_POINTS", "24"))
"""At how many statements each scenario is killed, spread over all of it; 0 is every one."""


def beats(steps: list[Step]) -> list[Beat]:
    """Every heartbeat of a scenario: each step, then one a minute for six minutes."""
    made: list[Beat] = []
    for at, act in steps:
        moment = new_york(at)
        made.append((moment, act))
        made.extend((moment + timedelta(minutes=minute), None) for minute in range(1, 7))
    return made


def run_through(book: Book, steps: list[Step], start: int = 0) -> None:
    """Beat at each moment, then do what the step says; a file tells which beat was begun last."""
    clock = book.clock
    assert isinstance(clock, FixedClock)
    for number, (moment, act) in enumerate(beats(steps)[start:], start=start):
        (Path(book.database.path).parent / "beat").write_text(str(number))
        clock.set(moment)
        scheduler.tick(book)
        if act is not None:
            act(book)


def digest(book: Book) -> dict[str, Any]:
    """The end state without what may differ: times of answers and the order of audit entries."""
    broker = book.broker
    assert isinstance(broker, SimulatedBroker)
    assert broker.invariants() == []
    assert audit.verify(book.database) == []
    assert integrity_faults(book.database.connection) == []
    return {
        "runs": book.database.rows("SELECT id, type, status, reason, cash_target FROM runs ORDER BY id"),
        "orders": book.database.rows("SELECT run, line, side, notional, qty, status, filled_qty FROM orders"),
        "skipped": book.database.rows("SELECT run, symbol, side, reason FROM skipped_orders ORDER BY run, symbol"),
        "fills": book.database.rows("SELECT execution_id, qty, price, amount FROM fills ORDER BY execution_id"),
        "accounts": book.database.rows("SELECT id, cash, unsettled, set_aside FROM accounts ORDER BY id"),
        "positions": book.database.rows("SELECT account, asset, qty FROM positions"),
        "subscriptions": book.database.rows("SELECT account, ended_at IS NULL, last_rebalanced_at FROM subscriptions"),
        "withdrawals": book.database.rows("SELECT id, stage, stopped FROM withdrawals"),
        "at the broker": book.database.rows("SELECT client_order_id, filled_qty FROM sim_orders ORDER BY 1"),
        "journals": book.database.rows("SELECT id, amount, status FROM journals ORDER BY id"),
    }


def cancel_first(book: Book) -> None:
    for run in runs.open_runs(book.database):
        if not run.cancel_requested:
            cancel_run(book, run.id)


def withdraw(book: Book) -> None:
    if not book.database.rows("SELECT 1 FROM withdrawals"):
        withdrawals.request_withdrawal(book, "a", parse_money("9000"))


SCENARIOS: dict[str, list[Step]] = {
    "full rebalance with sells and buys": [("2026-03-02 09:30", None), ("2026-03-02 09:45", None)],
    "cancel in the middle": [("2026-03-02 09:30", cancel_first), ("2026-03-02 09:45", None)],
    "withdrawal across a settlement": [
        ("2026-03-02 09:30", None),
        ("2026-03-02 10:00", withdraw),
        ("2026-03-03 09:30", None),
        ("2026-03-03 09:45", None),
    ],
}


def prepare(path: Path) -> None:
    book = make_book("2026-03-02 09:29", path=path, model=SLOW)
    fill_book(
        book,
        [account("a", "1000", {"SPY": "100", "GLD": "20"}), account("b", "20000")],
        [balanced()],
        {"a": "balanced", "b": "balanced"},
    )
    book.database.close()


def open_again(path: Path, at: datetime) -> Book:
    return make_book(at, path=path, model=SLOW)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_kill_at_any_statement_changes_nothing(name: str, tmp_path: Path) -> None:
    steps = SCENARIOS[name]
    template = tmp_path / "template.db"
    prepare(template)
    expected, total = _undisturbed(template, tmp_path / "calm", steps)
    every = max(1, total // POINTS) if POINTS else 1
    for number in range(1 + sum(map(ord, name)) % every, total, every):
        folder = tmp_path / f"kill_{number}"
        folder.mkdir()
        path = folder / "book.db"
        shutil.copy(template, path)
        _killed_child(path, steps, number)
        reached = int((folder / "beat").read_text()) if (folder / "beat").exists() else 0
        book = open_again(path, beats(steps)[reached][0])
        run_through(book, steps, reached)
        assert digest(book) == expected, f"killed at statement {number} of {total}, in beat {reached}"
        book.database.close()
        shutil.rmtree(folder)


def _undisturbed(template: Path, folder: Path, steps: list[Step]) -> tuple[dict[str, Any], int]:
    folder.mkdir()
    path = folder / "book.db"
    shutil.copy(template, path)
    book = open_again(path, beats(steps)[0][0])
    count = 0

    def trace(_: str) -> None:
        nonlocal count
        count += 1

    book.database.connection.set_trace_callback(trace)
    run_through(book, steps)
    book.database.connection.set_trace_callback(None)
    state = digest(book)
    book.database.close()
    return state, count


def _killed_child(path: Path, steps: list[Step], number: int) -> None:
    """Run the scenario in a process of its own that is killed when it begins its n-th statement."""
    pid = os.fork()
    if pid == 0:
        try:
            book = open_again(path, beats(steps)[0][0])
            count = 0

            def trace(_: str) -> None:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

            book.database.connection.set_trace_callback(trace)
            run_through(book, steps)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), f"the scenario ended before statement {number}"
