"""The figures of a policy over a history (R-59)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.lab.history import Floats, History
from rebal_tui.lab.paths import Path
from rebal_tui.lab.policies import Policy

DEFINITIONS = (
    "turnover: dollars sold ÷ average equity, a year, without the first purchase",
    "deviation: the asset farthest from its target, in percentage points of equity, at each close before trades",
    "outside: share of sessions in which a band of the portfolio's own policy is exceeded",
    "cash earns nothing",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one policy.

    `rebalances` and `trades` (assets traded) are counts without the first purchase. `turnover` and `cost` are fractions
    of average equity per year. `cash_drag` is the average fraction of equity held as cash × the return a year. `rms`,
    `p95` (95th percentile) and `worst` are of the largest deviation of each session, as fractions of equity. `outside`
    is the fraction of sessions with an asset outside its band, `longest_outside` a number of consecutive sessions.
    `annual_return` and `volatility` are per year. `worst_year` compares each calendar year's return with that of a
    portfolio that is on its targets in every session: it is the lowest of the differences, None without a whole
    calendar year. `final` is the equity at the end if it was 1 at the start.
    """

    policy: Policy
    rebalances: int
    trades: int
    turnover: float
    cost: float
    rms: float
    p95: float
    worst: float
    outside: float
    longest_outside: int
    annual_return: float
    volatility: float
    worst_year: float | None
    cash_drag: float
    final: float


def figures_of(history: History, policy: Policy, path: Path, reference: Policy, mix: Floats) -> Figures:
    """The figures of a policy, computed from its path. Outside are the assets that exceed a band of `reference`.

    `mix` is the equity in each session of a portfolio that is on its targets in every session, as by `mix_equity`.
    """
    years, average = history.years, float(path.equity.mean())
    returns = path.equity[1:] / path.equity[:-1] - 1
    outside = np.zeros(history.length, dtype=bool)
    if reference.absolute is not None:
        outside |= path.absolute > reference.absolute / 10_000
    if reference.relative is not None:
        outside |= path.relative > reference.relative / 10_000
    final = float(path.equity[-1] - (path.cost[-1] if _trades_last(path, history) else 0.0))
    annual = final ** (1 / years) - 1
    cash = 1 - path.shares.sum(axis=0)
    return Figures(
        policy=policy,
        rebalances=len(path.rebalances),
        trades=int(path.lines.sum()),
        turnover=float(path.sold.sum()) / average / years,
        cost=float(path.cost.sum()) / average / years,
        rms=float(np.sqrt((path.absolute**2).mean())),
        p95=float(np.quantile(path.absolute, 0.95)),
        worst=float(path.absolute.max()),
        outside=float(outside.mean()),
        longest_outside=longest_run(outside),
        annual_return=annual,
        volatility=float(returns.std(ddof=1) * np.sqrt(history.sessions_per_year)) if len(returns) > 1 else 0.0,
        worst_year=_worst_year(history, path.equity, mix),
        cash_drag=float(cash.mean()) * annual,
        final=final,
    )


def mix_equity(closes: Floats, targets: Floats) -> Floats:
    """The equity in each session of a portfolio that is on its targets in every session; 1 at the start.

    `closes` has a row per asset and a column per session; `targets` has a fraction of equity per asset.
    """
    moves = closes[:, 1:] / closes[:, :-1] - 1
    return np.concatenate([np.ones(1), np.cumprod(1 + (moves * targets[:, None]).sum(axis=0))])


def longest_run(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """The largest number of consecutive elements that are True."""
    padded = np.concatenate([[False], flags, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _trades_last(path: Path, history: History) -> bool:
    return bool(len(path.events)) and int(path.events[-1]) == history.length - 1


def _worst_year(history: History, equity: Floats, mix: Floats) -> float | None:
    """The smallest difference of a calendar year's return to that of `mix`; None without a whole calendar year."""
    ends = history.year_ends
    if len(ends) < 2:
        return None
    own, target = equity[ends], mix[ends]
    return float((own[1:] / own[:-1] - target[1:] / target[:-1]).min())
