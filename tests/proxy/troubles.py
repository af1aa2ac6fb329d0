"""What can be wrong with a broker's responses for a day, and whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from functools import partial
from random import Random

from tests.proxy.rewrites import (
    EventsHeldBack,
    Namesake,
    NoStreams,
    NotAllowed,
    PositionAway,
    PriceOf,
    PricesAt,
    Renamed,
    Rewrite,
    Shares,
    TwoRows,
    UnknownPosition,
    Unreadable,
)
from tests.proxy.world import CLIENTS, MODELS, World


@dataclass(frozen=True, slots=True)
class Trouble:
    """Rewrites for a day, and the clients that must not trade while they last.

    `begin` is what truly happens before the open; it changes the orders of the clients in `changed`, which may trade.
    """

    name: str
    rewrites: Sequence[Rewrite]
    affected: Sequence[str]
    begin: Callable[[], None] = field(default=lambda: None)
    changed: Sequence[str] = ()


Draw = Callable[[World, Random], Trouble]


def renamed(world: World, random: Random) -> Trouble:
    """A new symbol, long enough before the open that the program has read every account meanwhile."""
    old = random.choice(("SPY", "VTI", "TLT", "BND", "QQQ"))
    return Trouble(f"{old} renamed", [Renamed(old, f"{old}X")], [], partial(world.wait, 60))


def namesake(world: World, random: Random) -> Trouble:
    symbol = random.choice(("SPY", "VTI", "TLT", "BND"))
    return Trouble(f"a namesake of {symbol}", [Namesake(symbol)], [])


def unknown_position(world: World, random: Random) -> Trouble:
    name = random.choice(list(CLIENTS))
    return Trouble(f"an unknown position of {name}", [UnknownPosition(world.ids[name])], [name])


def unreadable(world: World, random: Random) -> Trouble:
    name = random.choice(list(CLIENTS))
    return Trouble(f"{name} cannot be read", [Unreadable(world.ids[name])], [name])


def not_allowed(world: World, random: Random) -> Trouble:
    name = random.choice(list(CLIENTS))
    return Trouble(f"the key may not see {name}", [NotAllowed(world.ids[name])], [name])


def position_away(world: World, random: Random) -> Trouble:
    name = random.choice(list(CLIENTS))
    symbol = {"growth": "VTI", "income": "BND"}[CLIENTS[name]]
    return Trouble(f"{symbol} of {name} is away", [PositionAway(symbol, world.ids[name])], [name])


def two_rows(world: World, random: Random) -> Trouble:
    name = random.choice(list(CLIENTS))
    symbol = {"growth": "SPY", "income": "TLT"}[CLIENTS[name]]
    return Trouble(f"two rows of {symbol} of {name}", [TwoRows(world.ids[name], symbol)], [name])


def split(world: World, random: Random) -> Trouble:
    """A true split, of which the program sees one or two of price, shares and activity a day late, or all at once.

    No asset is split twice in two weeks: within a week, equal splits are two reports of one. If every asset was split
    in the last two weeks, the trouble is a `namesake` instead.
    """
    today = world.clock.true
    possible = [
        (name, symbol)
        for name, model in MODELS.items()
        for symbol in model.weights
        if symbol not in world.splits or today - world.splits[symbol] > timedelta(days=14)
    ]
    if not possible:
        return namesake(world, random)
    portfolio, symbol = random.choice(possible)
    world.splits[symbol] = today
    price, shares, late = PriceOf(symbol, Fraction(2)), Shares(symbol, Fraction(1, 2)), EventsHeldBack(symbol)
    order, unseen = random.choice(
        (
            ("price first", (shares, late)),
            ("shares first", (price, late)),
            ("activity first", (price, shares)),
            ("at once", ()),
        )
    )
    holders = _clients_of(portfolio)
    begin = partial(world.action, "split", symbol, ratio="2")
    return Trouble(f"a split of {symbol}, {order}", unseen, holders if unseen else [], begin, holders)


def no_streams(world: World, random: Random) -> Trouble:
    return Trouble("no streams", [NoStreams()], [], world.proxy.cut_streams)


def prices_of_another_time(world: World, random: Random) -> Trouble:
    portfolio = random.choice(list(MODELS))
    minutes = random.choice((15, 20, -5))
    rewrite = PricesAt(timedelta(minutes=minutes), frozenset(MODELS[portfolio].weights))
    return Trouble(f"prices of {portfolio} {minutes} minutes old", [rewrite], _clients_of(portfolio))


def _clients_of(portfolio: str) -> list[str]:
    return [name for name, followed in CLIENTS.items() if followed == portfolio]


KNOWN: tuple[Draw, ...] = (
    renamed, namesake, unknown_position, unreadable, not_allowed, position_away, two_rows, split, no_streams,
    prices_of_another_time,
)  # fmt: skip
"""The troubles that a book meets."""
