"""Corporate actions of a simulated lifetime: all kinds, and what the oracle expects of them (R-54)."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.quantities import NANO, Price
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.simulation.corporate_actions import apply_corporate_action
from tests.reliability.oracle import Violation

if TYPE_CHECKING:
    from tests.reliability.simulation import Simulation

ENDING = (ActionKind.CASH_MERGER, ActionKind.STOCK_MERGER, ActionKind.DELISTING)
REVERSE_SPLIT = "reverse_split"
ACTION_EVENTS = (*(kind.value for kind in ActionKind), REVERSE_SPLIT)
"""The kinds of actions as events; splits forward and reverse."""


def carry_out(simulation: Simulation, event: str, random: Random) -> bool:
    """Carry out an action over a calm connection; equity before and after must agree. False while it is impossible."""
    book, oracle = simulation.book, simulation.oracle
    if not book.reconciled:
        return False
    action = _action(simulation, event, random)
    if action is None:
        return False
    calm, kill_after = simulation.broker.calm, simulation.broker.kill_after
    simulation.broker.calm, simulation.broker.kill_after = True, None
    try:
        sync(book)
        oracle.after()
        oracle.ledger.act_held.clear()
        oracle.ledger.act_paid.clear()
        before, prices = _equities(simulation), oracle.known_prices()
        oracle.log(f"{simulation.clock.now()} {action.text}")
        report = apply_corporate_action(book, action)
        oracle.counts[f"event {event}"] += 1
        oracle.after()
        if report.unexplained or simulation.broker.inner.invariants():
            raise Violation("corporate action", f"{report.text} {simulation.broker.inner.invariants()}")
        _check_equities(simulation, action, before, prices)
        if action.new_symbol is not None and action.kind is ActionKind.SYMBOL_CHANGE:
            simulation.events.rename(action.symbol, action.new)
        if action.kind in ENDING:
            _replace_ended(simulation, action.symbol, random)
    finally:
        simulation.broker.calm, simulation.broker.kill_after = calm, kill_after
    return True


def _action(simulation: Simulation, event: str, random: Random) -> CorporateAction | None:
    """An action of a random asset that has a price; an added one rather than a target for those that end an asset."""
    feed, assets = simulation.feed, simulation.book.assets
    priced = [s for s in feed.quotes() if s in assets and assets[s].status is AssetStatus.ACTIVE]
    added = [symbol for symbol in priced if symbol not in feed.symbols]
    targets = [symbol for symbol in priced if symbol in feed.symbols]
    prefer_added = added and random.random() < (0.7 if event in ENDING else 0.25)
    symbol = random.choice(added if prefer_added else targets or priced)
    price = int(feed.quotes()[symbol].price)
    part = Fraction(1, random.choice((2, 4) if simulation.swarm.still else (2, 3, 4, 5, 10)))
    others = [one for one in targets if one != symbol]
    ratio: Fraction | None = None
    amount: int | None = None
    new: str | None = None
    first: int | None = None
    match event:
        case "split":
            if price < NANO:
                return None
            ratio = 1 / part
        case "reverse_split":
            if price > 5_000 * NANO:
                return None
            ratio = part
        case "cash_dividend":
            amount = random.randrange(1, max(2, price // 20))
        case "stock_dividend":
            ratio = part / 10
        case "spin_off":
            ratio, new, first = part, f"N{simulation.events.next_number()}", max(1, int(price / part / 10))
        case "symbol_change":
            new = f"{symbol.rstrip('X')}{'X' * random.randint(1, 3)}"
            if new in assets:
                return None
        case "cash_merger":
            amount = price
        case "stock_merger":
            if not others:
                return None
            ratio, new = Fraction(random.randint(1, 9), 7), random.choice(others)
        case "delisting":
            amount = random.choice((None, max(1, price // 3)))
    kind = ActionKind.SPLIT if event == REVERSE_SPLIT else ActionKind(event)
    paid, listed = (None if value is None else Price(value) for value in (amount, first))
    return CorporateAction(kind, symbol, ratio, paid, new, listed)


def _replace_ended(simulation: Simulation, ended: str, random: Random) -> None:
    """List another asset for a target that has ended, sometimes under the same symbol."""
    if ended not in simulation.feed.symbols:
        return
    number, place = simulation.events.next_number(), simulation.feed.symbols.index(ended)
    symbol = ended if random.random() < 0.3 else f"L{number}"
    list_asset(simulation, symbol, f"id-L{number}", fractionable=True)
    simulation.feed.symbols[place] = symbol
    simulation.feed.add(symbol, Price(random.randrange(5, 200) * NANO))


def list_asset(simulation: Simulation, symbol: str, identity: str, *, fractionable: bool) -> None:
    """An asset without a price is listed at the broker."""
    asset = Asset(identity, symbol, symbol, "ARCA", AssetStatus.ACTIVE, True, fractionable)
    simulation.broker.inner.add_assets([asset])
    if not fractionable:
        simulation.oracle.ledger.whole.add(symbol)
    sync(simulation.book)


def _equities(simulation: Simulation) -> dict[str, int]:
    """The equity of every account whose holdings all have a price."""
    ledger, prices = simulation.oracle.ledger, simulation.oracle.known_prices()
    return {a: ledger.equity(a, prices) for a in ledger.cash if ledger.shares[a].keys() <= prices.keys()}


def _check_equities(
    simulation: Simulation, action: CorporateAction, before: dict[str, int], prices: dict[str, int]
) -> None:
    """Equity is what it was, plus a dividend, less what an asset that ends was worth, plus what is given for it."""
    ledger, now = simulation.oracle.ledger, simulation.oracle.known_prices()
    for account, equity in _equities(simulation).items():
        if account not in before:
            continue
        expected = Fraction(before[account])
        if action.kind is ActionKind.CASH_DIVIDEND:
            expected += ledger.act_paid.get(account, 0) * NANO
        elif action.kind in ENDING:
            per_share = Fraction(action.amount or 0)
            if action.kind is ActionKind.STOCK_MERGER:
                per_share = action.rate * now[action.new]
            expected += ledger.act_held.get(account, 0) * (per_share - prices[action.symbol])
        unit = sum(now[symbol] + qty for symbol, qty in ledger.shares[account].items()) + max(now.values()) + NANO
        if abs(equity - expected) > unit:
            raise Violation("equity", f"{action.text}: {account} has {equity}, expected {expected}")
