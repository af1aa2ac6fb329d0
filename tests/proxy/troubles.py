"""What can be wrong with a broker's responses for a day, and whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.proxy.rewrites import (
    Namesake,
    Renamed,
    Rewrite,
    UnknownPosition,
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


KNOWN: tuple[Draw, ...] = (renamed, namesake, unknown_position)
"""The troubles that a book meets."""
