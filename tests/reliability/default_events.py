"""Events of every simulated lifetime: corporate actions, negative cash, and holdings without a price."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from rebal_tui.broker.simulated.events import emit_cash
from rebal_tui.broker.simulated.ledger import free_cash, post
from rebal_tui.broker.simulated.timestamps import to_micros
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.quantities import CENT, NANO, Price, Qty
from rebal_tui.services.advisory import portfolios
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from tests.reliability import models
from tests.reliability.corporate_actions import ACTION_EVENTS, carry_out, list_asset

if TYPE_CHECKING:
    from tests.reliability.simulation import Simulation

NEGATIVE_CASH = "negative_cash"
NEW_HOLDING = "new_holding_without_price"
WITHHELD_PRICE = "withheld_price"
DEFAULT_EVENTS = (*ACTION_EVENTS, NEGATIVE_CASH, NEW_HOLDING, WITHHELD_PRICE)
FREQUENT = "frequent_events"
"""Requirement of a lifetime with one or more of these events on most days."""


class DefaultEvents:
    """When each of the events comes: all of them in a random order, then all of them again.

    Of those that a lifetime needs there are no others. A withheld or missing price comes after some days.
    """

    def __init__(self, seed: int, needed: Iterable[str], begin: datetime) -> None:
        self.random = Random(f"events {seed}")
        wanted = set(needed)
        self._frequent = bool(wanted & {FREQUENT, "dense"})
        self._kinds = sorted(wanted & set(DEFAULT_EVENTS)) or list(DEFAULT_EVENTS)
        self._next = self._order()
        self.kind = next(self._next)
        self.at = begin + self._pause()
        self._arrivals: list[tuple[datetime, str, Price | None]] = []
        self._number = 0

    def next_number(self) -> int:
        """A number for the name of a new asset."""
        self._number += 1
        return self._number

    def apply_due(self, simulation: Simulation) -> None:
        """The event that is due, and prices that arrive; an event that is impossible is tried again."""
        now = simulation.clock.now()
        self._prices_arrive(simulation, now)
        if now >= self.at and self._happens(simulation):
            self.kind, self.at = next(self._next), now + self._pause()

    def end(self, simulation: Simulation) -> None:
        """Every missing price arrives."""
        self._prices_arrive(simulation, datetime.max.replace(tzinfo=simulation.clock.now().tzinfo))

    def arrive_later(self, now: datetime, symbol: str, price: Price | None) -> None:
        """A price comes after some days: a first one, or None for one that was withheld."""
        self._arrivals.append((now + timedelta(hours=self.random.randint(3, 150)), symbol, price))

    def rename(self, before: str, after: str) -> None:
        """Replace the symbol of an asset whose price has not arrived yet."""
        self._arrivals = [(at, after if one == before else one, price) for at, one, price in self._arrivals]

    def _happens(self, simulation: Simulation) -> bool:
        if self.kind in ACTION_EVENTS:
            return carry_out(simulation, self.kind, self.random)
        happened = {NEGATIVE_CASH: _take_cash, NEW_HOLDING: _new_holding, WITHHELD_PRICE: _withhold}[self.kind](
            simulation, self.random
        )
        simulation.oracle.counts[f"event {self.kind}"] += happened
        return happened

    def _prices_arrive(self, simulation: Simulation, now: datetime) -> None:
        feed, due = simulation.feed, [one for one in self._arrivals if one[0] <= now]
        self._arrivals = [one for one in self._arrivals if one[0] > now]
        for _, symbol, price in due:
            if price is None:
                feed.restore(symbol)
            elif symbol not in feed.quotes():
                feed.add(symbol, price)

    def _order(self) -> Iterator[str]:
        while True:
            yield from self.random.sample(self._kinds, len(self._kinds))

    def _pause(self) -> timedelta:
        hours = self.random.randint(2, 30) if self._frequent else self.random.randint(24, 240)
        return timedelta(hours=hours)


def ended_targets(simulation: Simulation) -> list[Portfolio]:
    """The portfolios with an asset that has ended."""
    assets = simulation.book.assets
    return [
        portfolio
        for portfolio in simulation.book.portfolios.values()
        if any(s in assets and assets[s].status is not AssetStatus.ACTIVE for s in portfolio.weights.symbols)
    ]


def replace_ended_targets(simulation: Simulation) -> None:
    """The advisor replaces the weights of portfolios with an asset that has ended."""
    for one in ended_targets(simulation):
        weights = models.weights(simulation.events.random, simulation.swarm.still, simulation.feed.symbols)
        body = PortfolioBody(one.name, "", weights, one.cooldown_days, one.conditions, one.review)
        portfolios.update_portfolio(simulation.book, one.id, body)


def _take_cash(simulation: Simulation, random: Random) -> bool:
    """A fee or a reversed deposit takes the cash of an account below zero; not while its broker has cash reserved."""
    ledger, inner, at = simulation.oracle.ledger, simulation.broker.inner, simulation.clock.now()
    account_id = random.choice(sorted(ledger.cash))
    prices = simulation.oracle.known_prices()
    equity = ledger.equity(account_id, prices, missing=0) // NANO
    below = random.choice((CENT, CENT, 5 * NANO, equity // 20, equity // 5, equity * 19 // 20, equity + 100 * NANO))
    with inner._tables.write() as tx:  # the broker's own controls take no cash that is not there
        ((account, cash),) = tx.execute("SELECT n, cash FROM sim_accounts WHERE id = ?", (account_id,)).fetchall()
        if free_cash(tx.execute, account) != cash:
            return False
        amount = max(cash, 0) + max(below, 1)
        micros = to_micros(at)
        entry = post(tx, account, micros, CashKind.ACH_RETURN, -amount, at.date().isoformat(), "reversed deposit")
        emit_cash(tx, micros, account, entry)
    simulation.oracle.log(f"{at} {amount} taken from {account_id}")
    return True


def _new_holding(simulation: Simulation, random: Random) -> bool:
    """An asset without a price, sometimes of whole shares only, comes into one to three accounts; its price later."""
    book, inner, at = simulation.book, simulation.broker.inner, simulation.clock.now()
    number, calm, kill_after = simulation.events.next_number(), simulation.broker.calm, simulation.broker.kill_after
    symbol = f"U{number}"
    if not book.reconciled:
        return False
    simulation.broker.calm, simulation.broker.kill_after = True, None
    try:
        list_asset(simulation, symbol, f"id-U{number}", fractionable=random.random() < 0.5)
    finally:
        simulation.broker.calm, simulation.broker.kill_after = calm, kill_after
    for account_id in random.sample(sorted(simulation.oracle.ledger.cash), random.randint(1, 3)):
        qty = Qty(random.choice((NANO, 10 * NANO, random.randrange(1, 100 * NANO))))
        inner.transfer_in(account_id, symbol, qty, Price(NANO), at)
        simulation.oracle.ledger.transfer_in(account_id, symbol, qty, at)
    simulation.oracle.log(f"{at} {symbol} has no price")
    simulation.events.arrive_later(at, symbol, Price(random.randrange(NANO, 300 * NANO)))
    return True


def _withhold(simulation: Simulation, random: Random) -> bool:
    """The price of an asset is missing for a time."""
    feed, at = simulation.feed, simulation.clock.now()
    found = [symbol for symbol in feed.symbols if symbol in feed.quotes()]
    if not found:
        return False
    symbol = random.choice(found)
    feed.withhold(symbol)
    simulation.oracle.log(f"{at} the price of {symbol} is withheld")
    simulation.events.arrive_later(at, symbol, None)
    return True
