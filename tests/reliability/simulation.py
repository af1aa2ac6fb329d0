"""Simulation of whole books over months behind a faulty broker; each seed is deterministic."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import NoReturn
from unittest.mock import patch

from rebal_tui import bootstrap
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.portfolios import Subscription
from rebal_tui.domain.sessions import Session
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.services.book import kill_switch, quarantine
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.settings import Mode, Settings
from rebal_tui.services.broker_sync.events import reload_from_broker, sync
from rebal_tui.services.evaluation_pass import chunks
from rebal_tui.services.runs import starting
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import book_settings, jobs, portfolios, sessions
from rebal_tui.store.database import Database
from tests.reliability import models, scenario_events
from tests.reliability.broker import FaultyBroker, Killed
from tests.reliability.default_events import DefaultEvents
from tests.reliability.market import SYMBOLS, Prices, Swarm
from tests.reliability.oracle import Oracle, Violation
from tests.reliability.pairs import Pair

BEGIN = date(2026, 1, 5)
PIECES = ((chunks.MAX_ACCOUNTS_PER_CHUNK, starting.ARRAY_START_MIN_RUNS), (1, 1), (3, 1))
"""Chunking of full-length simulations: subscriptions per chunk, and the minimum number of runs to start in arrays."""


@dataclass(frozen=True)
class SimulationResult:
    """The result of a simulation: its trace hash and its counts."""

    seed: int
    hash: str
    account_years: float
    injected: int
    counts: dict[str, int]
    coverage: frozenset[Pair]


class Simulation:
    """One book with its broker, market and oracle. The book may be killed and reopened; the others persist."""

    def __init__(self, seed: int, days: int | None = None, needed: Iterable[str] = ()) -> None:
        needed = tuple(needed)
        self.seed = seed
        self.random = _chance(seed)
        self.swarm = Swarm.of(self.random, needed)
        if days is not None:
            self.swarm = replace(self.swarm, days=days)
        first = datetime(BEGIN.year, BEGIN.month, BEGIN.day, 5, tzinfo=bootstrap.real_now().tzinfo)
        self.clock = FixedClock(first)
        self.feed = Prices(first)
        self.events = DefaultEvents(seed, needed, first)
        self.oracle = Oracle(lambda: self.book, lambda: self.broker, self.feed)
        self.broker = FaultyBroker(Random(f"wires {seed}"), self.swarm.enabled, self.oracle, self.clock.now)
        self.broker.dense = self.swarm.dense
        database = bootstrap.open_database(":memory:")
        bootstrap.create_simulation(database, start=first, seed=f"simulation {seed}", paused=True)
        rate = self.random.choice((None, 2, 12)) if self.swarm.dense else None
        self.settings = Settings(Mode.SIMULATED, name="simulation", slots=self._slots, orders_per_minute=rate)
        self.broker.calm = True
        self.open(database)
        self._found()
        self.broker.calm = False

    def _slots(self, session: Session) -> list[datetime]:
        """One evaluation every `rhythm` days, sometimes two."""
        session_index = (session.day - BEGIN).days
        if session_index % self.swarm.rhythm:
            return []
        middle = session.open + timedelta(minutes=60)
        if self.swarm.dense and session_index % 2:
            return [session.window_end]
        return [middle, session.window_end] if session_index % 5 == 0 else [middle]

    def open(self, database: Database) -> None:
        """Open the book of a file as the program does."""
        calendar = TradingCalendar(sessions.load(database))
        # If the broker is unavailable at the opening, the first heartbeat reconciles, over the faulty connection.
        away = self.swarm.dense and not self.broker.calm and self.random.random() < 0.7
        with patch.object(SimulatedBroker, "events", _unavailable) if away else nullcontext():
            self.book = bootstrap.assemble(  # the only constructor for a book with its own feed and settings
                database, self.clock, calendar, self.feed, self.settings, self.swarm.model
            )
        inner = self.book.broker
        self.broker.inner = inner  # type: ignore[assignment]
        self.book.broker = self.broker

    def restart(self, why: str) -> None:
        """End the process; another one opens the file."""
        database = self.book.database
        if database.connection.in_transaction:
            database.connection.rollback()
        self.broker.coverage.unfinished(why, database)
        image = database.connection.serialize()
        database.close()
        again = Database()
        again.connection.deserialize(image)
        self.open(again)

    def _found(self) -> None:
        random, book = self.random, self.book
        inner = self.broker.inner
        inner.add_assets([Asset(f"id-{s}", s, s, "ARCA", AssetStatus.ACTIVE, True, True) for s in SYMBOLS])
        wanted = [models.portfolio(random, f"p{n}", self.swarm, book.now()) for n in range(random.randint(2, 3))]
        accounts, follows = [], {}
        for number in range(self.swarm.accounts):
            identity = f"a{number}"
            chosen = random.choice(wanted)
            accounts.append(models.account(random, identity, chosen, self.swarm, book.now()))
            if random.random() < 0.9:
                follows[identity] = chosen
        inner.open_accounts(accounts)
        self.oracle.ledger.open(accounts)
        sync(book)
        reload_from_broker(book)
        with book.database.write() as tx:
            subscriptions = []
            for portfolio in wanted:
                portfolios.save(tx, portfolio)
            for identity, portfolio in follows.items():
                last = book.now() - timedelta(days=random.randint(1, 40)) if random.random() < 0.5 else None
                subscription = Subscription(book_settings.next_id(tx), identity, portfolio.id, book.now(), last)
                subscriptions.append(subscription)
                if last is not None:
                    self.oracle.rebalances.last[subscription.id] = scenario_events.new_york(last)
            portfolios.add_subscriptions(tx, subscriptions)
        book.reload()
        self.oracle.after(by_hand=True)

    def run(self) -> SimulationResult:
        """Months of sessions with faults, then a day without."""
        end = BEGIN + timedelta(days=self.swarm.days)
        session = self.book.calendar.next_after(BEGIN)
        while session is not None and session.day < end:
            self._day(session)
            skip = 0
            if "clock_jumps" in self.swarm.enabled and self.random.random() < 0.03:
                skip = self.random.randint(1, 14)
            elif "days_off" in self.swarm.enabled and self.random.random() < 0.1:
                skip = 1
            session = self.book.calendar.next_after(session.day + timedelta(days=skip))
        self._finish_without_faults(session)
        years = self.swarm.account_years
        counts = {**self.oracle.counts, "fills": len(self.oracle.ledger.executions)}
        result = SimulationResult(
            self.seed,
            self.oracle.hash,
            years,
            self.broker.injected,
            dict(counts),
            frozenset(self.broker.coverage.pairs),
        )
        self.book.database.close()
        return result

    def _day(self, session: Session) -> None:
        random = self.random
        minute = timedelta(minutes=1)
        timestamps = [session.open + random.choice((0, 1, 5)) * minute]
        slots = self._slots(session)
        timestamps += slots
        if slots or self.book.open_runs or random.random() < 0.1:
            start = slots[0] if slots else timestamps[0]
            pace = timedelta(seconds=self.swarm.model.latency_seconds[1] * 2 // 3 + 15)
            timestamps += [start + n * pace for n in (1, 2, 3, 4)] + [start + random.randint(3, 20) * minute]
            timestamps.append(session.close + random.choice((0, 1, 60)) * minute)
            if self.swarm.dense:
                timestamps += [slot + n * timedelta(seconds=35) for slot in slots for n in range(1, 20)]
                timestamps += [session.close + n * timedelta(seconds=20) for n in range(-6, 7)]
        if random.random() < 0.1:
            timestamps.append(session.open - 30 * minute)
        for timestamp in sorted({min(timestamp, session.close + 60 * minute) for timestamp in timestamps}):
            self._heartbeat(max(timestamp, self.clock.now()))

    def _heartbeat(self, at: datetime) -> None:
        if "kills" in self.swarm.enabled and not self.broker.calm and self.random.random() < self._often(0.04):
            self.broker.kill_after = self.random.randint(0, 12)
        try:
            self.clock.set(at)
            self.broker.deliver_due()
            scenario_events.apply_external_event(self)
            self._do(lambda: self.events.apply_due(self))
            self._evaluate()
            self._do(lambda: scheduler.tick(self.book))
            self.oracle.after()
            act = scenario_events.pick_advisor_action(self)
            if act is not None:
                self.oracle.log(f"{at} {act.func.__name__}")
                self._do(act)
                self.oracle.after(by_hand=True)
        except Killed:
            self._killed("kills")
        self.broker.kill_after = None
        if "restarts" in self.swarm.enabled and not self.broker.calm and self.random.random() < self._often(0.02):
            self._killed("restarts")

    def _often(self, chance: float) -> float:
        return chance * 4 if self.swarm.dense else chance

    def _evaluate(self) -> None:
        """When an evaluation is due and undisturbed, compute the expected outcomes first."""
        book = self.book
        due = jobs_due(book)
        if due is None or not book.reconciled:
            return
        self._do(lambda: scheduler.advance_market(book, book.now()))
        if book is not self.book:
            return
        self.oracle.after()
        expected, known = self.oracle.expected(), self.oracle.known_runs()
        self._do(lambda: scheduler.tick(book))
        self.oracle.after()
        session = book.calendar.at(book.now())
        if session is not None and jobs.evaluated(book.database, session.day.isoformat(), due):
            self.oracle.decided(expected, known)

    def _do(self, work: Callable[[], object]) -> None:
        """As the book thread does: after an error that is not a refusal, memory is reloaded from the file."""
        try:
            work()
        except Refusal:
            return
        except BrokerUnavailable:
            self.book.reload()

    def _killed(self, why: str) -> None:
        for _ in range(5):
            try:
                self.restart(why)
                self.oracle.after(by_hand=True)
                return
            except (BrokerUnavailable, Killed):
                continue

    def _finish_without_faults(self, session: Session | None) -> None:
        """Phase two: without further faults, everything has ended a day later."""
        self.broker.calm = True
        self.broker.kill_after = None
        assert session is not None
        inner = self.broker.inner
        for symbol in sorted(inner.halted()):
            inner.halt(symbol, False, self.clock.now())
        self.feed.frozen.clear()
        self.events.end(self)
        kill_switch.set_halt(self.book, False)
        timestamps = [session.open + timedelta(minutes=n) for n in range(0, 120, 3)]
        timestamps += [session.close + timedelta(minutes=n) for n in (0, 1, 12, 25)]
        for timestamp in timestamps:
            self.clock.set(max(timestamp, self.clock.now()))
            self.broker.deliver_due()
            scheduler.tick(self.book)
            self.oracle.after()
        self.oracle.check_final_state()


def _unavailable(*_: object) -> NoReturn:
    raise BrokerUnavailable("the broker is away")


def _chance(seed: int) -> Random:
    return Random(f"world {seed}")


def account_years(seed: int) -> float:
    """The account-years of a seed, without simulating it."""
    return Swarm.of(_chance(seed), ()).account_years


def jobs_due(book: Book) -> datetime | None:
    """The evaluation slot that is due now, None when there is none."""
    session, now = book.calendar.at(book.now()), book.now()
    if session is None or not session.open <= now <= session.window_end or scheduler.paused(book):
        return None
    slots = [slot for slot in book.settings.slots(session) if slot <= now]
    return slots[-1] if slots and not jobs.evaluated(book.database, session.day.isoformat(), slots[-1]) else None


def _isolated_failure(text: str, *values: object) -> None:
    """A failure that the program survives by setting it apart is a fault here."""
    error = sys.exc_info()[1]
    if isinstance(error, Violation):
        raise error
    raise Violation("isolation", f"{text % values}: {error}") from error


def _quarantined(_tx: object, kind: object, subject: str, reason: str, _account_id: str | None = None) -> None:
    _isolated_failure("%s %s enters quarantine: %s", kind, subject, reason)


def simulate(
    seed: int, *, days: int | None = None, trace: list[str] | None = None, needed: Iterable[str] = ()
) -> SimulationResult:
    """Simulate one seed; raises any failure with a note of how to reproduce it.

    `days` ends it early; `needed` are faults of the swarm that are enabled regardless of the seed.
    """
    gc.freeze()  # The collection at the end looks only at what the simulation has made.
    simulation = Simulation(seed, days, needed)
    simulation.oracle.trace = trace
    most, least = PIECES[seed % len(PIECES)] if days is None else PIECES[0]
    try:
        with (
            patch.object(chunks, "MAX_ACCOUNTS_PER_CHUNK", most),
            patch.object(starting, "ARRAY_START_MIN_RUNS", least),
            patch.object(scheduler.log, "exception", _isolated_failure),
            patch.object(quarantine, "enter", _quarantined),
        ):
            return simulation.run()
    except BaseException as error:
        replay_options = (f" --days {days}" if days is not None else "") + (" --dense" if "dense" in needed else "")
        error.add_note(
            f"replay: python -m tests.reliability --seed {seed}{replay_options} --trace (at {simulation.clock.now()})"
        )
        raise
    finally:
        del simulation
        gc.collect()
        gc.unfreeze()
