"""What can be wrong with a broker's responses for a day, and whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.proxy.rewrites import (
    Namesake,
    NotAllowed,
    PositionAway,
    Renamed,
    Rewrite,
    TwoRows,
    UnknownPosition,
    Unreadable,
)
from tests.proxy.world import CLIENTS, World


@dataclass(frozen=True, slots=True)
class Trouble:
    """Rewrites for a day, and the clients that must not trade while they last."""

    name: str
    rewrites: Sequence[Rewrite]
    affected: Sequence[str]


Draw = Callable[[World, Random], Trouble]


def renamed(world: World, random: Random) -> Trouble:
    old = random.choice(("SPY", "VTI", "TLT", "BND", "QQQ"))
    return Trouble(f"{old} renamed", [Renamed(old, f"{old}X")], [])


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


KNOWN: tuple[Draw, ...] = (renamed, namesake, unknown_position, unreadable, not_allowed, position_away, two_rows)
"""The troubles that a book meets."""
