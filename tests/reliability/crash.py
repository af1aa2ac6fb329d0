"""Killing the program at a point of a scenario, opening the file it leaves, and comparing the end state.

A process killed by SIGKILL leaves the file and its log as they are at that time; uncommitted changes are lost. So one
undisturbed run yields every point: at each SQL statement and around each broker call, the disk content is recorded, and
equal images in the same heartbeat are one point. Killing a real process verifies this.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rebal_tui import opening
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, cash, jobs, reservations, run_orders, runs
from rebal_tui.store.backup import integrity_faults
from rebal_tui.store.database import Database
from tests.reliability.trail import audit_counts_of

_NO_DISK_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE", "SAVEPOINT", "BEGIN")
CALLS = ("submit_order", "cancel_order", "create_journal", "advance", "deposit", "return_deposit", "open_accounts")
Act = Callable[[Book], object]


@dataclass(frozen=True)
class Scenario:
    """A schedule of acts in New York time; an act is repeated after a kill in its heartbeat, so it must be idempotent.

    `found` creates the file, unless the scenario is about creating it. `within` wraps every run.
    """

    found: Callable[[Path], None]
    acts: tuple[tuple[str, Act | None], ...]
    begin: Callable[[Path], Book] = opening.open_book
    within: Callable[[], AbstractContextManager[object]] = nullcontext

    def timestamps(self) -> list[datetime]:
        return [datetime.fromisoformat(at).replace(tzinfo=NEW_YORK) for at, _ in self.acts]


@dataclass
class Image:
    """The disk content at a point, and the heartbeat it belongs to."""

    heartbeat: int
    files: dict[str, bytes]
    points: list[int] = field(default_factory=list)


@dataclass
class Points:
    """The points of one undisturbed run: their number, and the distinct images."""

    total: int
    images: list[Image]
    end: dict[str, Any]


def run_scenario(
    path: Path, scenario: Scenario, start: int = 0, reached: Callable[[int], None] = lambda _heartbeat: None
) -> Book:
    """Open the book and run the heartbeats from `start`; another heartbeat follows each act, as after a kill."""
    with scenario.within():
        return _run_scenario(path, scenario, start, reached)


def _run_scenario(path: Path, scenario: Scenario, start: int, reached: Callable[[int], None]) -> Book:
    reached(start)
    book = scenario.begin(path)
    for number, (timestamp, (_, act)) in enumerate(zip(scenario.timestamps(), scenario.acts, strict=True)):
        if number < start:
            continue
        reached(number)
        clock = book.clock
        assert isinstance(clock, HeartbeatClock)
        clock.jump(max(timestamp, clock.now()))
        scheduler.tick(book)
        if act is not None:
            act(book)
            scheduler.tick(book)
    return book


@contextmanager
def instrumented(point: Callable[[str], None]) -> Iterator[None]:
    """Report every SQL statement before it begins, and every broker call before and after it."""
    original = Database.__init__

    def init(self: Database, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self.connection.set_trace_callback(point)

    def around(name: str) -> Any:
        method = getattr(SimulatedBroker, name)

        def call(self: SimulatedBroker, *arguments: Any, **named: Any) -> Any:
            point(f"before {name}")
            try:
                return method(self, *arguments, **named)
            finally:
                point(f"after {name}")

        return call

    with patch.object(Database, "__init__", init):
        patches = [patch.object(SimulatedBroker, name, around(name)) for name in CALLS]
        for one in patches:
            one.start()
        try:
            yield
        finally:
            for one in patches:
                one.stop()


def points_of(template: Path | None, folder: Path, scenario: Scenario) -> Points:
    """Run undisturbed and record the disk content at every point."""
    recorder = _ImageRecorder(_copied(template, folder))
    with instrumented(recorder.point):
        book = run_scenario(recorder.path, scenario, reached=recorder.reached)
        book.database.connection.set_trace_callback(None)
    end = digest(book)
    book.database.close()
    return Points(recorder.total, list(recorder.images.values()), end)


class _ImageRecorder:
    """Records the disk content at every point; queries and uncommitted statements do not change it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images: dict[tuple[int, int], Image] = {}
        self.total = self._heartbeat = self._key = 0
        self._files: dict[str, bytes] = {}
        self._before = ""

    def reached(self, heartbeat: int) -> None:
        self._heartbeat = heartbeat
        self._files = {}

    def point(self, text: str) -> None:
        self.total += 1
        before, self._before = self._before, text
        if not self._files or before.partition(" ")[0] not in _NO_DISK_WRITE:
            self._files = _on_disk(self.path)
            self._key = hash(tuple(sorted(self._files.items())))
        image = self.images.setdefault((self._heartbeat, self._key), Image(self._heartbeat, self._files))
        image.points.append(self.total)


def recovered(image: Image, folder: Path, scenario: Scenario) -> dict[str, Any]:
    """Open the files that a kill left and run to the end."""
    folder.mkdir(parents=True)
    for name, content in image.files.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True, parents=True)
        target.write_bytes(content)
    return _run_to_end(folder, scenario, image.heartbeat)


def killed(template: Path | None, folder: Path, scenario: Scenario, number: int) -> dict[str, Any]:
    """Run in a process that is killed at its n-th point, then open what it left and run to the end."""
    path = _copied(template, folder)
    note = folder / "beat.txt"
    pid = os.fork()
    if pid == 0:
        try:
            count = 0

            def point(_: str) -> None:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

            with instrumented(point):
                run_scenario(path, scenario, reached=lambda heartbeat: _note(note, heartbeat))
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), f"the scenario ended before point {number}"
    heartbeat = int(note.read_text())
    note.unlink()
    return _run_to_end(folder, scenario, heartbeat)


def _note(path: Path, heartbeat: int) -> None:
    path.write_text(str(heartbeat))


def _run_to_end(folder: Path, scenario: Scenario, heartbeat: int) -> dict[str, Any]:
    book = run_scenario(folder / "book.db", scenario, heartbeat)
    try:
        return digest(book)
    finally:
        book.database.close()
        shutil.rmtree(folder)


def _copied(template: Path | None, folder: Path) -> Path:
    folder.mkdir(parents=True)
    path = folder / "book.db"
    if template is not None:
        shutil.copy(template, path)
    return path


def _on_disk(path: Path) -> dict[str, bytes]:
    """Every file of the book except the log's index, which SQLite rebuilds."""
    found = (p for p in path.parent.rglob("*") if p.is_file() and not p.name.endswith("-shm"))
    return {str(p.relative_to(path.parent)): p.read_bytes() for p in found}


def digest(book: Book) -> dict[str, Any]:
    """The end state as people and the broker see it, without details that may differ: how an answer was obtained."""
    broker, database = book.broker, book.database
    assert isinstance(broker, SimulatedBroker)
    checked = check_book(database, broker)
    assert checked.faults == (), checked.faults
    assert checked.behind == 0
    assert integrity_faults(database.connection) == []
    audit_counts = audit_counts_of(audit.entries(database, -1))
    backups = sorted(Path(book.settings.backup_folder or "").glob("*")) if book.settings.backup_folder else []
    return {
        "accounts": sorted(map(repr, broker.accounts())),
        "extras": {identity: repr(book.extras[identity]) for identity in sorted(book.accounts)},
        "portfolios": {p.id: (p.name, p.status, p.weights) for p in book.portfolios.values()},
        "subscriptions": {a: (s.id, s.portfolio_id, s.last_rebalanced_at) for a, s in book.subscriptions.items()},
        "runs": [
            (run.id, run.type, run.status, run.reason, run.cash_target, run.amount, [
                (line, o.symbol, o.side, o.notional, o.qty, o.status, o.filled_qty)
                for line, o, _ in run_orders.of_run(database, run.id)
            ], [(s.symbol, s.side, s.reason) for s in run_orders.skipped_orders(database, run.id)])
            for run in runs.newest(database, -1)
        ],
        "withdrawals": [(w.id, w.stage, w.stopped, w.amount, w.rounds) for w in cash.withdrawals(database)],
        "reservations": [(r.account_id, r.owner, r.origin, r.amount) for r in reservations.load(database)],
        "executed": sorted(
            (e.fill.client_order_id, e.fill.qty, e.fill.amount) for e in broker.events(0) if e.fill is not None
        ),
        "booked": sorted((e.account_id or "", e.cash.kind, e.cash.amount) for e in broker.events(0) if e.cash),
        "audited": {k: n for k, n in audit_counts.items() if k.partition(".")[0] in ("run", "runs", "cash", "journal",
                    "subscription", "withdrawal", "portfolio", "evaluation", "book") or k == "orders.filled"},
        "evaluated": jobs.last_session(database),
        "backups": [path.name for path in backups],
    }  # fmt: skip
