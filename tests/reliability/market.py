"""Environment of the simulated book: controlled prices, and the swarm of faults that a seed enables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.domain.quantities import CENT, NANO, Money, Price
from rebal_tui.market.protocol import Quote, renamed

START_PRICES = {"AAA": 100, "BBB": 50, "CCC": 25, "DDD": 400, "EEE": 8}
SYMBOLS = tuple(START_PRICES)
FAULTS = (
    "lost_requests", "lost_replies", "double_requests", "late_requests", "lookup_lag", "failed_reads",
    "repeated_events", "shuffled_events", "late_events", "slow_stream", "rejects", "partial_fills", "slow_fills",
    "slow_cancels", "halts", "price_jumps", "price_freezes", "restrictions", "statuses", "deposits", "ach_returns",
    "outside_orders", "dead_assets", "clock_jumps", "days_off", "restarts", "kills", "portfolio_edits", "withdrawals",
    "manual_runs", "cancels", "journals", "transfers_in", "subscriptions", "review", "kill_switch",
)  # fmt: skip
"""The faults that a swarm can enable: faults of the broker and the connection, and ill-timed actions of people."""
RESERVATIONS = "reservations"
"""Actions on reserved cash; also on in the seeds with the largest share of faults."""
DENSE = ("dense", "every_day", "moving", RESERVATIONS, *FAULTS)
"""Requirements of a fault-dense simulation."""
EDGE_AMOUNTS = ("0.01", "0.99", "1", "9.99", "10", "10.01", "11", "100", "250.37", "5000", "123456.789012345")


class Prices:
    """A price feed that moves only on request.

    A frozen symbol keeps the time of its last quote, a withheld one has no quote. `symbols` are those that
    portfolios choose from.
    """

    def __init__(self, at: datetime) -> None:
        self._quotes = {symbol: Quote(Price(price * NANO), at) for symbol, price in START_PRICES.items()}
        self.symbols = list(SYMBOLS)
        self.frozen: set[str] = set()
        self.withheld: dict[str, Quote] = {}

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        changed = {}
        for symbol, quote in self._quotes.items():
            if symbol not in self.frozen and quote.at < now:
                changed[symbol] = self._quotes[symbol] = Quote(quote.price, now)
        return changed

    def quotes(self) -> Mapping[str, Quote]:
        return self._quotes

    def add(self, symbol: str, price: Price) -> None:
        """The first price of an asset."""
        self.reprice(symbol, price)

    def withhold(self, symbol: str) -> None:
        """There is no price of an asset until it is restored."""
        self.withheld[symbol] = self._quotes.pop(symbol)

    def restore(self, symbol: str) -> None:
        """A withheld price is back."""
        if symbol in self.withheld:
            self._quotes[symbol] = self.withheld.pop(symbol)

    def reprice(self, symbol: str, price: Price) -> None:
        at = max(quote.at for quote in self._quotes.values())
        self._quotes = {**self._quotes, symbol: Quote(price, at)}

    def rename(self, labels: Mapping[str, str]) -> None:
        self._quotes = renamed(self._quotes, labels)
        self.withheld = renamed(self.withheld, labels)
        self.symbols = [labels.get(symbol, symbol) for symbol in self.symbols]
        self.frozen = {labels.get(symbol, symbol) for symbol in self.frozen}

    def move(self, symbol: str, permille: int, *, cents: bool) -> None:
        """Move a price by thousandths, rounded down to the cent or not at all, unless it is frozen or withheld."""
        if symbol in self.frozen or symbol not in self._quotes:
            return
        old = self._quotes[symbol]
        moved = old.price * (1000 + permille) // 1000
        if cents:
            moved = moved // CENT * CENT
        self._quotes[symbol] = Quote(Price(min(max(moved, CENT), 100_000 * NANO)), old.at)


@dataclass(frozen=True)
class Swarm:
    """The faults that a seed enables, and the parameters of its book."""

    enabled: frozenset[str]
    still: bool
    accounts: int
    days: int
    rhythm: int
    model: FillModel
    dense: bool = False

    @property
    def account_years(self) -> float:
        """The account-years that this swarm simulates."""
        return self.accounts * self.days / 365

    @classmethod
    def of(cls, random: Random, needed: Iterable[str] = ()) -> Swarm:
        """The swarm of a seed, plus the `needed` options.

        `still` and `moving` select the price behavior, `every_day` an evaluation in each session. A `dense` swarm has
        many faults while orders are open, and its orders stay open for long.
        """
        share = random.choice((10, 25, 50, 80))
        enabled = frozenset(fault for fault in FAULTS if random.randrange(100) < share)
        enabled |= {fault for fault in needed if fault in FAULTS}
        if share == 80 or RESERVATIONS in needed:
            enabled |= {RESERVATIONS}
        still = "moving" not in needed and (random.random() < 0.3 or "still" in needed)
        if still:
            enabled |= {"deposits"}
        at_once = still or (random.random() < 0.25 and "slow_fills" not in needed)
        model = (
            FillModel.immediate()
            if at_once
            else FillModel(
                latency_seconds=random.choice(((1, 4), (20, 90), (60, 420), (600, 9_000)))
                if "slow_fills" in enabled
                else (1, 20),
                partial_chance=random.choice((30, 90)) if "partial_fills" in enabled else 0,
                max_pieces=random.choice((2, 4, 9)),
                reject_chance=random.choice((3, 20)) if "rejects" in enabled else 0,
                cancel_latency=random.choice((30, 600)) if "slow_cancels" in enabled else 0,
                seed=random.randrange(1_000),
            )
        )
        accounts, days, rhythm = random.randint(6, 12), random.choice((180, 360, 360)), random.randint(2, 7)
        dense = "dense" in needed
        if dense:
            waits, most = random.choice((0, 150, 400)), random.choice((240, 1_500))
            model = FillModel((40, most), 60, 4, reject_chance=10, cancel_latency=waits, seed=random.randrange(1_000))
            if random.random() < 0.2:
                model = replace(FillModel.immediate(), reject_chance=15)
        return cls(enabled, still, accounts, days, 1 if "every_day" in needed else rhythm, model, dense)


def edge_amount(random: Random, cash: int, equity: int, *, still: bool) -> Money:
    """An amount near a limit of the rules: a minimum, a band, the available cash, or a random amount.

    In a still market, a quarter of the equity often moves an on-target account exactly onto its band.
    """
    if still and random.random() < 0.4:
        return Money(max(1, equity // 4))
    special = [
        equity // 4 // CENT * CENT,
        10 * NANO - cash,
        10 * NANO - cash - CENT,
        cash,
        equity // 2,
        random.randrange(1, 50_000 * NANO),
    ]
    if random.random() < 0.5:
        return Money(max(1, special[random.randrange(len(special))]))
    whole, _, part = random.choice(EDGE_AMOUNTS).partition(".")
    return Money(int(whole) * NANO + int(part.ljust(9, "0") or "0"))
