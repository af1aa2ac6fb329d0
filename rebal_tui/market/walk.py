"""Simulated market prices: correlated geometric random walks that move during sessions."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rebal_tui.domain.errors import Fault, Invalid, NotFound
from rebal_tui.domain.quantities import CENT, HUNDRED_PERCENT, NANO, Percent, Price
from rebal_tui.domain.sessions import Session
from rebal_tui.market.protocol import Quote, renamed
from rebal_tui.market.sessions import TradingCalendar

EQUITY_VOLATILITY = 0.16
"""Annual volatility of the equities factor. The market as a whole has a beta of 1."""
BOND_VOLATILITY = 0.06
"""Annual volatility of the bond factor, independent of the equities factor."""
OVERNIGHT_SHARE = 0.25
"""Share of a day's variance between the previous close and the open."""
SESSIONS_A_YEAR = 252
SECONDS_A_SESSION = 23_400
SESSION_UNIT_SECONDS = 1_800
"""Sessions last a whole number of half hours, so a step that divides half an hour divides every session."""
MIN_PRICE = CENT
MAX_PRICE = 1_000_000 * NANO
MAX_SHOCK = Percent(100_000)
SINGLE_STOCK = (30, 1.1, 0.0)
"""Annual volatility in percent and betas of a symbol without parameters of its own."""
_EQUITIES = "factor equities"
_BONDS = "factor bonds"


@dataclass(frozen=True, slots=True)
class WalkAsset:
    """Parameters of a symbol's random walk: first price, annual volatility in percent, and betas to the two factors.

    The factors are the common moves of stocks and of bonds. `source` is the symbol that determines the random moves:
    the first symbol of a renamed asset, by default the asset's own symbol. The variance that the factors do not explain
    is specific to the symbol. If the betas alone exceed the volatility, they are scaled down to it.
    """

    symbol: str
    price: Price
    volatility: int
    equity_beta: float
    bond_beta: float
    source: str = ""


@dataclass(frozen=True, slots=True)
class WalkState:
    """The state of a random walk, from which it can be continued.

    `at` is the time of the last step. `prices` has every price in billionths of a dollar, before rounding to the cent.
    `frozen` has the symbols that get no new quotes for now, each with the time of its last quote. `exact` has the
    symbols whose price was set by a corporate action; such a price is not rounded until the symbol's next step.
    """

    at: datetime
    prices: tuple[tuple[str, int], ...]
    frozen: tuple[tuple[str, datetime], ...] = ()
    exact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Weights:
    """Daily standard deviation from each source, as a fraction of the price."""

    equities: float
    bonds: float
    own: float


class RandomWalk:
    """A simulated price feed, in which a move depends only on the seed, the step and the symbol.

    A session's steps are its open, which includes the overnight move, and every `step_seconds` up to its close; there
    are no steps between sessions. So a path does not depend on how often `advance` is called, on restarts from
    `state()`, or on the other symbols. `turbulence` multiplies every volatility.
    """

    def __init__(
        self,
        assets: Iterable[WalkAsset],
        calendar: TradingCalendar,
        *,
        seed: str,
        start: datetime | WalkState,
        turbulence: float = 1.0,
        step_seconds: int = 60,
    ) -> None:
        """Begin at the last step at or before `start`, or continue from the state `start`.

        Symbols that are not in the state begin at the price of their `WalkAsset`. Raises `Invalid` for a price outside
        $0.01 to $1,000,000, a volatility outside 0 to 1,000 %, a beta outside -100 to 100, a turbulence outside 0 to
        1,000, or a step that does not divide half an hour.
        """
        table = {asset.symbol: asset for asset in assets}
        _check(table, turbulence, step_seconds)
        self._calendar = calendar
        self._seed = seed
        self._step = step_seconds
        self._turbulence = turbulence
        self._weights = {symbol: _weights(asset, turbulence) for symbol, asset in table.items()}
        self._sources = {symbol: asset.source or symbol for symbol, asset in table.items()}
        self._prices: dict[str, int] = {symbol: asset.price for symbol, asset in table.items()}
        self._frozen: dict[str, datetime] = {}
        self._exact: set[str] = set()
        if isinstance(start, WalkState):
            self._at = start.at
            self._prices |= {symbol: _bounded(price) for symbol, price in start.prices if symbol in table}
            self._frozen = {symbol: at for symbol, at in start.frozen if symbol in table}
            self._exact = {symbol for symbol in start.exact if symbol in table}
        else:
            self._at = self._last_step(start)
        self._moves_day: date | None = None
        self._moves: dict[str, list[float]] = {}
        self._quotes = {symbol: self._quote(symbol) for symbol in self._prices}
        self._reported = dict(self._quotes)

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Make all steps up to `now`. Returns the quotes that changed in price or time since the last call."""
        target = self._last_step(now)
        if self._at >= target and self._quotes is self._reported:
            return {}
        while self._at < target:
            session = self._calendar.last_opened(self._at)
            if session is None or self._at >= session.close:
                following = self._calendar.next_open(self._at)
                session = self._calendar.last_opened(following) if following else None
            if session is None:
                break
            self._walk(session, min(target, session.close))
        self._quotes = {symbol: self._quote(symbol) for symbol in self._prices}
        changed = {symbol: quote for symbol, quote in self._quotes.items() if quote != self._reported[symbol]}
        self._reported = self._quotes
        return changed

    def quotes(self) -> Mapping[str, Quote]:
        """The latest quote of every symbol, rounded to the cent."""
        return self._quotes

    def state(self) -> WalkState:
        """The state from which a walk with the same assets, seed and settings continues."""
        prices, frozen = sorted(self._prices.items()), sorted(self._frozen.items())
        return WalkState(self._at, tuple(prices), tuple(frozen), tuple(sorted(self._exact)))

    def follow(self, state: WalkState) -> Mapping[str, Quote]:
        """Adopt the state of another random walk of the same simulated market. Returns the quotes that changed.

        A process that only views a book follows the prices of the process that writes it.
        """
        before = self._quotes
        self._at = state.at
        self._prices |= {symbol: _bounded(price) for symbol, price in state.prices if symbol in self._weights}
        self._frozen = {symbol: at for symbol, at in state.frozen if symbol in self._weights}
        self._exact = {symbol for symbol in state.exact if symbol in self._weights}
        self._quotes = {symbol: self._quote(symbol) for symbol in self._prices}
        self._reported = self._quotes
        return {symbol: quote for symbol, quote in self._quotes.items() if quote != before[symbol]}

    def reprice(self, symbol: str, price: Price) -> None:
        """Set a price after a corporate action; a new symbol moves like a single stock from then on.

        The quote is not rounded to the cent until the next step. Raises `Invalid` outside $0.01 to $1,000,000.
        """
        if not MIN_PRICE <= price <= MAX_PRICE:
            raise Invalid([Fault("price", f"the price of {symbol} after it would be outside $0.01 to $1,000,000")])
        if symbol not in self._prices:
            volatility, equity_beta, bond_beta = SINGLE_STOCK
            self._weights[symbol] = _weights(
                WalkAsset(symbol, price, volatility, equity_beta, bond_beta), self._turbulence
            )
            self._sources[symbol] = symbol
            self._moves_day = None
        self._prices[symbol] = price
        self._exact.add(symbol)
        self._quotes = {**self._quotes, symbol: self._quote(symbol)}
        self._reported = {**self._reported, symbol: self._quotes[symbol]}

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the prices of renamed assets under new symbols; `labels` maps old symbols to new ones.

        The random moves of these assets stay those of their old symbols.
        """
        self._weights, self._sources = renamed(self._weights, labels), renamed(self._sources, labels)
        self._prices, self._frozen = renamed(self._prices, labels), renamed(self._frozen, labels)
        self._moves, self._quotes = renamed(self._moves, labels), renamed(self._quotes, labels)
        self._exact = {labels.get(symbol, symbol) for symbol in self._exact}
        self._reported = renamed(self._reported, labels)

    @property
    def frozen(self) -> frozenset[str]:
        """The symbols whose price is frozen."""
        return frozenset(self._frozen)

    def shock(self, symbol: str | None, percent: Percent) -> None:
        """Change the price of one symbol permanently by `percent` (hundredths of a percent), also a frozen price.

        None as `symbol` changes all prices. Raises `NotFound` for an unknown symbol,
        `Invalid` for -100 % or less or above 1,000 %.
        """
        if not -HUNDRED_PERCENT < percent <= MAX_SHOCK:
            raise Invalid([Fault("percent", "expected a shock above -100 and at most 1000 percent")])
        names = tuple(self._prices) if symbol is None else (self._known(symbol),)
        for name in names:
            self._exact.discard(name)
            self._prices[name] = _bounded(self._prices[name] * (HUNDRED_PERCENT + percent) // HUNDRED_PERCENT)
        self._quotes = {**self._quotes, **{name: self._quote(name) for name in names}}

    def freeze(self, symbol: str) -> None:
        """Stop changing a symbol's price and quote time: the quote ages. Raises `NotFound` for an unknown symbol."""
        self._frozen.setdefault(self._known(symbol), self._at)

    def unfreeze(self, symbol: str) -> None:
        """Resume the walk of a frozen price. Raises `NotFound` for an unknown symbol."""
        self._frozen.pop(self._known(symbol), None)
        self._quotes = dict(self._quotes)

    def _known(self, symbol: str) -> str:
        if symbol not in self._prices:
            raise NotFound([Fault("symbol", "no such symbol in the simulated market")])
        return symbol

    def _quote(self, symbol: str) -> Quote:
        if symbol in self._exact:
            return Quote(Price(self._prices[symbol]), self._frozen.get(symbol, self._at))
        cents = (self._prices[symbol] + CENT // 2) // CENT
        return Quote(Price(cents * CENT), self._frozen.get(symbol, self._at))

    def _last_step(self, at: datetime) -> datetime:
        """The time of the last step at or before `at`; `at` itself before the first session."""
        session = self._calendar.last_opened(at)
        if session is None:
            return at.astimezone(UTC)
        steps = int((min(at, session.close) - session.open).total_seconds()) // self._step
        return session.open + timedelta(seconds=steps * self._step)

    def _walk(self, session: Session, until: datetime) -> None:
        """Take the steps of one session after the last step taken, up to the step at `until`."""
        if self._moves_day != session.day:
            self._moves_day = session.day
            self._moves = self._moves_of(session)
        first = 0 if self._at < session.open else self._number(session, self._at) + 1
        last = self._number(session, until)
        for symbol, moves in self._moves.items():
            if symbol in self._frozen:
                continue
            price = self._prices[symbol]
            for move in moves[first : last + 1]:
                price = _bounded(round(price * math.exp(move)))
            self._prices[symbol] = price
            self._exact.discard(symbol)
        self._at = until

    def _number(self, session: Session, at: datetime) -> int:
        return int((at - session.open).total_seconds()) // self._step

    def _moves_of(self, session: Session) -> dict[str, list[float]]:
        """The log return of every symbol at every step of a session; the expected price does not change."""
        steps = self._number(session, session.close)
        gap = math.sqrt(OVERNIGHT_SHARE)
        pace = math.sqrt((1 - OVERNIGHT_SHARE) * self._step / SECONDS_A_SESSION)
        scales = [gap] + [pace] * steps
        equities = self._draws(_EQUITIES, session, steps)
        bonds = self._draws(_BONDS, session, steps)
        moves: dict[str, list[float]] = {}
        for symbol, weights in self._weights.items():
            own = self._draws(f"symbol {self._sources[symbol]}", session, steps)
            half_variance = (weights.equities**2 + weights.bonds**2 + weights.own**2) / 2
            moves[symbol] = [
                scale * (weights.equities * e + weights.bonds * b + weights.own * o) - scale * scale * half_variance
                for scale, e, b, o in zip(scales, equities, bonds, own, strict=True)
            ]
        return moves

    def _draws(self, source: str, session: Session, steps: int) -> list[float]:
        """The standard normal draws of one source of moves for a session: one for the open, then one for every step."""
        generator = random.Random(f"{self._seed}|{session.day.isoformat()}|{self._step}|{source}")
        return [generator.gauss(0.0, 1.0) for _ in range(steps + 1)]


def _bounded(price: int) -> int:
    return min(max(price, MIN_PRICE), MAX_PRICE)


def _weights(asset: WalkAsset, turbulence: float) -> _Weights:
    total = asset.volatility / 100
    equities = asset.equity_beta * EQUITY_VOLATILITY
    bonds = asset.bond_beta * BOND_VOLATILITY
    common = math.hypot(equities, bonds)
    scale = min(1.0, total / common) if common else 1.0
    own = math.sqrt(max(0.0, total * total - (common * scale) ** 2))
    daily = turbulence / math.sqrt(SESSIONS_A_YEAR)
    return _Weights(equities * scale * daily, bonds * scale * daily, own * daily)


def _check(table: Mapping[str, WalkAsset], turbulence: float, step_seconds: int) -> None:
    faults = [
        Fault(asset.symbol, expected)
        for asset in table.values()
        for holds, expected in (
            (MIN_PRICE <= asset.price <= MAX_PRICE, "expected a price from 0.01 to 1000000"),
            (0 <= asset.volatility <= 1_000, "expected a volatility from 0 to 1000 percent"),
            (max(abs(asset.equity_beta), abs(asset.bond_beta)) <= 100, "expected betas from -100 to 100"),
        )
        if not holds
    ]
    if not 0 <= turbulence <= 1_000:
        faults.append(Fault("turbulence", "expected a factor from 0 to 1000"))
    if step_seconds <= 0 or SESSION_UNIT_SECONDS % step_seconds:
        faults.append(Fault("step_seconds", "expected whole seconds that divide half an hour"))
    if faults:
        raise Invalid(faults)
