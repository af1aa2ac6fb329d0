"""The result of a replay and the figures derived from it (R-59)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from rebal_tui.domain.corporate_actions import ActionKind, ActionReport
from rebal_tui.domain.quantities import Money, Value
from rebal_tui.domain.runs import RunDetail, RunType
from rebal_tui.domain.text import count_text
from rebal_tui.engine.drift import AssetDrift, magnitude
from rebal_tui.store.decisions import BlockedCount
from rebal_tui.store.fills import Traded

DAYS_PER_YEAR = Fraction(1461, 4)


@dataclass(frozen=True, slots=True)
class WorstDrift:
    """The largest absolute drift found at an evaluation, with its account and day."""

    drift: AssetDrift
    account_id: str
    day: date

    @property
    def points(self) -> Fraction:
        """The absolute drift in percentage points, exact."""
        return Fraction(magnitude(self.drift.gap)) / (100 * self.drift.equity)


@dataclass(frozen=True, slots=True)
class Turnover:
    """Dollars sold and bought by runs.

    First purchases of accounts that had never been rebalanced are counted in `first_purchase` only.
    """

    sold: Money
    bought: Money
    first_purchase: Money

    @property
    def two_sided(self) -> Money:
        """The sum of dollars sold and bought."""
        return Money(self.sold + self.bought)


def turnover_of(
    runs: Collection[RunDetail], traded: Mapping[str, Traded], never_rebalanced: Collection[str]
) -> Turnover:
    """The turnover of runs, given oldest first; `traded` has the dollars that each run traded, by run id.

    The first full rebalance that traded of each account in `never_rebalanced` is its first purchase.
    """
    waiting = set(never_rebalanced)
    sold = bought = first = 0
    for detail in runs:
        made = traded.get(detail.run.id)
        if made is None:
            continue
        if detail.run.type is RunType.FULL_REBALANCE and detail.run.account_id in waiting:
            waiting.discard(detail.run.account_id)
            first += made.bought
        else:
            sold += made.sold
            bought += made.bought
    return Turnover(Money(sold), Money(bought), Money(first))


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A corporate action that was applied at the open of a session."""

    day: date
    report: ActionReport


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of a replay.

    `first_equity` is all accounts' equity at the first session's prices before any trade, `final_equity` all accounts'
    equity after the last session. `days_outside` counts sessions on which an account that had been rebalanced before
    was outside a drift band when it was evaluated, with all its prices from that session; `worst` covers the same
    accounts and sessions. `decisions` are counts by outcome, `blocked` the counts of blocked decisions by the check
    that failed.
    """

    first: date
    last: date
    sessions: int
    runs: tuple[RunDetail, ...]
    first_equity: Value
    final_equity: Value
    average_equity: Fraction
    turnover: Turnover
    worst: WorstDrift | None
    days_outside: int
    decisions: Mapping[str, int]
    blocked: tuple[BlockedCount, ...]
    actions: tuple[CarriedOut, ...]

    @property
    def basis(self) -> str:
        """What the results are based on, as text: prices, and the number of cash dividends that were paid."""
        dividends = sum(done.report.action.kind is ActionKind.CASH_DIVIDEND for done in self.actions)
        return f"prices and {count_text(dividends, 'cash dividend')}" if dividends else "prices only, no dividends"

    @property
    def by_type(self) -> dict[str, int]:
        """The number of runs by type."""
        return dict(sorted(Counter(detail.run.type.value for detail in self.runs).items()))

    @property
    def by_type_and_status(self) -> dict[tuple[str, str], int]:
        """The number of runs by type and status."""
        counted = Counter((detail.run.type.value, detail.run.status.value) for detail in self.runs)
        return dict(sorted(counted.items()))

    def per_year(self, amount: Money) -> Fraction | None:
        """An amount as a multiple of average equity per year of 365.25 days; None without equity."""
        if self.average_equity <= 0:
            return None
        years = Fraction((self.last - self.first).days + 1) / DAYS_PER_YEAR
        return Fraction(amount) * 1_000_000_000 / self.average_equity / years
