"""Accounts of the demonstration book: size, age, holdings and drift."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, auto
from itertools import cycle
from uuid import UUID

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.portfolios import BandType, DriftBand, PortfolioStatus
from rebal_tui.domain.quantities import CENT, HUNDRED_PERCENT, NANO, Money, Percent, Price, Qty
from rebal_tui.domain.sessions import NEW_YORK, new_york_day
from rebal_tui.services.simulation.demonstration.models import LEGACY, MODELS, Model
from rebal_tui.services.simulation.demonstration.names import client_name

PPM = 1_000_000
"""Weights of an account's equity are in parts per million."""
SMALLEST, LARGEST = 4_000, 6_000_000
RESTRICTIONS_IN_TURN = (
    Restriction.PATTERN_DAY_TRADER,
    Restriction.CRYPTO,
    Restriction.OPTIONS,
    Restriction.UNSPECIFIED,
    Restriction.POSITION_TO_EQUITY_RATIO,
)
"""Restrictions present from the start; the script adds and lifts only others."""
_LOOSE = DriftBand(BandType.ABSOLUTE, Percent(500))
"""The band assumed for a model without drift bands."""


class Kind(Enum):
    """The situation in which a demonstration account begins; `INSIDE` is the ordinary one."""

    OUTSIDE = auto()
    FIRST = auto()
    EXCESS_CASH = auto()
    RESTRICTED = auto()
    IN_COOLDOWN = auto()
    NEAR = auto()
    LEGACY_HOLDING = auto()
    UNSUBSCRIBED = auto()
    NOT_ACTIVE = auto()
    INSIDE = auto()


_PER_MILLE = {
    Kind.OUTSIDE: (90, 40),
    Kind.FIRST: (50, 40),
    Kind.EXCESS_CASH: (70, 40),
    Kind.RESTRICTED: (70, 60),
    Kind.IN_COOLDOWN: (30, 60),
    Kind.NEAR: (100, 200),
    Kind.LEGACY_HOLDING: (50, 500),
    Kind.UNSUBSCRIBED: (40, 200),
    Kind.NOT_ACTIVE: (16, 40),
}
"""Accounts per thousand, and the maximum number: a book of 100,000 must not trade for thousands of clients at once."""


@dataclass(frozen=True, slots=True)
class Client:
    """An account and the model portfolio it follows; `model` is None when it follows none."""

    account: Account
    kind: Kind
    model: Model | None
    subscribed_at: datetime
    last_rebalanced_at: datetime | None


def make_clients(
    count: int, rng: random.Random, now: datetime, sessions: Sequence[date], prices: Mapping[str, Price]
) -> list[Client]:
    """Generate `count` clients; the same generator state gives the same clients.

    `sessions` are the trading days before now, oldest first.
    """
    numbers = rng.sample(range(200_000_000, 999_999_999), count)
    kinds = _kinds(count, rng)
    restricted = 0
    clients = []
    for number, kind, model in zip(numbers, kinds, _models(kinds, rng), strict=True):
        restrictions: frozenset[Restriction] = frozenset()
        if kind is Kind.RESTRICTED:
            restrictions = frozenset({RESTRICTIONS_IN_TURN[restricted % len(RESTRICTIONS_IN_TURN)]})
            restricted += 1
        clients.append(_client(str(number), kind, model, restrictions, rng, now, sessions, prices))
    return clients


def _kinds(count: int, rng: random.Random) -> list[Kind]:
    least = 1 if count >= 20 else 0
    deck = [Kind.OUTSIDE]
    for kind, (share, most) in _PER_MILLE.items():
        have = kind is Kind.OUTSIDE
        deck += [kind] * (min(most, max(least, count * share // 1_000)) - have)
    deck = deck[:count] + [Kind.INSIDE] * (count - len(deck))
    rng.shuffle(deck)
    return deck


def _client(
    number: str,
    kind: Kind,
    model: Model,
    restrictions: frozenset[Restriction],
    rng: random.Random,
    now: datetime,
    sessions: Sequence[date],
    prices: Mapping[str, Price],
) -> Client:
    age = rng.randint(45, 3_200) if kind is not Kind.FIRST else rng.randint(1, 20)
    created = _morning(new_york_day(now) - timedelta(days=age), rng)
    dollars = min(LARGEST, max(SMALLEST, int(rng.lognormvariate(11.9, 1.25))))
    equity = Money(dollars * NANO + rng.randrange(100) * CENT)
    shares, cash_share = _allocation(kind, model, rng)
    positions, spent = _positions(shares, equity, age, rng, prices)
    cash = Money(equity - spent) if cash_share is None else Money(equity * cash_share // PPM // CENT * CENT)
    status = AccountStatus.ACTION_REQUIRED if kind is Kind.NOT_ACTIVE else AccountStatus.ACTIVE
    account = Account(
        id=identity(rng),
        account_number=number,
        name=client_name(rng),
        status=status,
        cash=Money(cash // CENT * CENT),
        unsettled=Money(0),
        restrictions=restrictions,
        positions=positions,
        created_at=created,
    )
    if kind is Kind.UNSUBSCRIBED:
        return Client(account, kind, None, created, None)
    last = None if kind is Kind.FIRST else _last_rebalanced(kind, model, created, rng, now, sessions)
    subscribed = created if last is None else min(last, created + timedelta(days=rng.randint(0, 20)))
    return Client(account, kind, model, subscribed, last)


def identity(rng: random.Random) -> str:
    """A random UUID, drawn from the generator so that it can be reproduced."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def _models(kinds: Sequence[Kind], rng: random.Random) -> list[Model]:
    """A model for each account, in proportion to the models' shares.

    An account whose kind is defined by band usage gets a model with bands.
    """
    deck = [m for m in MODELS for _ in range(m.share) if m.status is PortfolioStatus.ACTIVE]
    rng.shuffle(deck)
    every, banded = cycle(deck), cycle([m for m in deck if _bands(m)])
    return [next(banded if kind in (Kind.OUTSIDE, Kind.NEAR, Kind.IN_COOLDOWN) else every) for kind in kinds]


def _bands(model: Model) -> list[DriftBand]:
    return [c for c in model.conditions if isinstance(c, DriftBand)]


def _allocation(kind: Kind, model: Model, rng: random.Random) -> tuple[dict[str, int], int | None]:
    """The parts of equity in each asset and in cash, in parts per million; None for cash means the remainder."""
    if kind is Kind.FIRST and rng.randrange(2):
        return {}, None
    target = model.weights.cash * 100
    # Slightly below the target, so that a fall in prices alone does not create excess cash at once.
    cash = target * rng.randint(880, 985) // 1_000
    shares = _drifted(model, _band_use(kind, rng), target - cash, rng)
    if kind in (Kind.EXCESS_CASH, Kind.UNSUBSCRIBED):
        extra = rng.randint(4_000, 45_000)
        return {symbol: share * (PPM - extra) // PPM for symbol, share in shares.items()}, cash + extra
    if kind in (Kind.LEGACY_HOLDING, Kind.FIRST):
        held = rng.randint(4_000, 16_000)
        shares = {symbol: share * (PPM - held) // PPM for symbol, share in shares.items()}
        shares[rng.choice(LEGACY)] = held
    return shares, cash


def _band_use(kind: Kind, rng: random.Random) -> int:
    """A random band usage for an account of this kind, per thousand of the band that its drift is nearest to."""
    if kind in (Kind.OUTSIDE, Kind.IN_COOLDOWN):
        return rng.randint(1_080, 1_700)
    if kind is Kind.NEAR:
        return rng.randint(870, 970)
    return int(rng.betavariate(2, 4) * 850)


def _drifted(model: Model, use: int, spare: int, rng: random.Random) -> dict[str, int]:
    """Push the model's assets off target until the usage of its tightest band is `use` per thousand.

    `spare` parts per million, the cash below target, are first spread over the assets.
    """
    targets = {w.symbol: w.percent * 100 for w in model.weights.assets}
    whole = sum(targets.values())
    pushes = {symbol: rng.randint(-1_000, 1_000) * target // 100 for symbol, target in targets.items()}
    surplus = sum(pushes.values())
    pushes = {symbol: push - surplus * targets[symbol] // whole for symbol, push in pushes.items()}
    widest = max(
        abs(push) * 1_000 // (band.percent * 100)
        if band.sub_type is BandType.ABSOLUTE
        else abs(push) * 1_000 * HUNDRED_PERCENT // (targets[symbol] * band.percent)
        for symbol, push in pushes.items()
        for band in _bands(model) or [_LOOSE]
    )
    return {
        symbol: max(0, target + spare * target // whole + pushes[symbol] * use // max(1, widest))
        for symbol, target in targets.items()
    }


def _positions(
    shares: Mapping[str, int], equity: Money, age: int, rng: random.Random, prices: Mapping[str, Price]
) -> tuple[tuple[Position, ...], int]:
    """Positions that have the given parts of `equity`, and their total value in billionths of a dollar.

    `shares` are parts per million by symbol; `age` is that of the account in days.
    """
    positions, spent = [], 0
    cheapest = max(5_200, 9_900 - age * 3)
    for symbol in sorted(shares):
        price = prices[symbol]
        qty = equity * shares[symbol] // PPM * NANO // price
        if qty <= 0:
            continue
        paid = price * rng.randint(cheapest, 10_700) // HUNDRED_PERCENT // (CENT // 100) * (CENT // 100)
        positions.append(Position(symbol, Qty(qty), Price(paid)))
        spent += qty * price // NANO
    return tuple(positions), spent


def _last_rebalanced(
    kind: Kind, model: Model, created: datetime, rng: random.Random, now: datetime, sessions: Sequence[date]
) -> datetime | None:
    """A time in a past session, within or before the cooldown; None for an account too young for one.

    It is within the cooldown for kind `IN_COOLDOWN` and some accounts of the kinds `INSIDE` and `EXCESS_CASH`.
    """
    known = sessions[bisect_right(sessions, new_york_day(created)) :][-190:]
    cooled = bisect_right(known, new_york_day(now) - timedelta(days=model.cooldown_days))
    rested, cooling = known[:cooled], known[cooled:]
    if kind is Kind.IN_COOLDOWN or (kind in (Kind.INSIDE, Kind.EXCESS_CASH) and rng.randrange(4) == 0):
        rested = cooling or rested
    days = rested or known
    return _morning(rng.choice(days), rng) if days else None


def _morning(day: date, rng: random.Random) -> datetime:
    """A time between 09:40 and 12:20 in New York; a weekend day becomes the Friday before."""
    friday = day - timedelta(days=max(0, day.weekday() - 4))
    opening = datetime(friday.year, friday.month, friday.day, 9, 40, tzinfo=NEW_YORK)
    return opening.astimezone(UTC) + timedelta(minutes=rng.randint(0, 160))
