"""Published results, and what the lab computes for the same policies and data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.figures import mix_equity
from rebal_tui.lab.history import Floats, History
from rebal_tui.lab.policies import Policy

VANGUARD = "Vanguard 2010, Best practices for portfolio rebalancing, 60/40, 1926–2009"
COVER = "Cover 1991, Universal Portfolios, NYSE 1962–1984"
ONLINE = "data sets of online portfolio selection"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published number and the lab's result; the lab reproduces it when they differ by at most `tolerance`.

    `decimals` is how many decimals the source prints. `note` explains why a number is not reproduced.
    """

    source: str
    what: str
    published: float
    ours: float
    tolerance: float
    decimals: int
    note: str = ""

    @property
    def reached(self) -> bool:
        return abs(self.ours - self.published) <= self.tolerance


_LOOKS = {"monthly": (1, 0), "quarterly": (3, 0), "annual": (12, 6)}
"""Sessions between looks and the first one, counted from the end of June 1926: calendar quarters and years."""
_TABLE: Sequence[tuple[str, int | None, int, float, float, float]] = (
    ("monthly", 0, 1008, 60.1, 12.1, 8.5),
    ("monthly", 1, 389, 60.1, 12.1, 8.5),
    ("monthly", 5, 58, 61.2, 12.2, 8.6),
    ("monthly", 10, 20, 61.6, 12.2, 8.8),
    ("quarterly", 1, 210, 60.2, 12.2, 8.7),
    ("quarterly", 5, 50, 60.9, 12.1, 8.9),
    ("quarterly", 10, 21, 62.6, 12.3, 8.6),
    ("annual", 1, 72, 60.5, 11.9, 8.6),
    ("annual", 5, 28, 60.7, 11.8, 8.6),
    ("annual", 10, 15, 63.0, 12.1, 8.7),
    ("never", None, 0, 84.1, 14.4, 8.1),
)
"""Look, threshold in points, events, average stocks %, volatility %, return %."""


def vanguard(history: History) -> Iterator[Comparison]:
    """Comparisons with Vanguard's table of rebalancing frequencies and thresholds, July 1926 to December 2009.

    `history` has stocks and bonds at 1,003 month ends from June 1926 on.
    """
    targets = Weights(
        (AssetWeight(history.symbols[0], Percent(6000)), AssetWeight(history.symbols[1], Percent(4000)))
    )  # fmt: skip
    policies = []
    for look, threshold, *_ in _TABLE:
        every, phase = _LOOKS.get(look, (1, 0))
        policies.append(
            Policy(absolute=None if threshold is None else Percent(100 * threshold), look=every, phase=phase)
        )
    backtest = run_backtest("60/40", targets, history, policies)
    for (look, threshold, events, stocks, volatility, annual), outcome in zip(_TABLE, backtest.outcomes, strict=True):
        path, figures = backtest.path(outcome), outcome.figures
        what = look if threshold is None else f"{look}, threshold {threshold} %"
        yield Comparison(
            VANGUARD, f"{what}: events", events, figures.rebalances, max(2, 0.12 * events), 0,
            "6 of 1,008 months are not in the data" if events == 1008 else "",
        )  # fmt: skip
        yield Comparison(VANGUARD, f"{what}: average stocks %", stocks, 100 * float(path.shares[0][1:].mean()), 1.5, 1)
        yield Comparison(VANGUARD, f"{what}: volatility %", volatility, 100 * figures.volatility, 0.6, 1)
        yield Comparison(
            VANGUARD, f"{what}: return %", annual, 100 * figures.annual_return, 0.3, 1,
            "8.1 does not fit the rest of the table; another print of the study has 9.1" if look == "never" else "",
        )  # fmt: skip


def cover(relatives: Floats) -> Iterator[Comparison]:
    """Comparisons with Cover's final wealth of stocks, of pairs at fixed weights, and of universal portfolios.

    `relatives` has a row each for Iroquois, Kin Ark and Commercial Metals: the ratios of each day's price to the one
    before.
    """
    closes = np.concatenate([np.ones((3, 1)), np.cumprod(relatives, axis=1)], axis=1)
    iroquois, kin_ark, commercial = closes[:, -1]
    yield Comparison(COVER, "Iroquois: wealth", 8.92, float(iroquois), 0.005, 2)
    yield Comparison(COVER, "Kin Ark: wealth", 4.13, float(kin_ark), 0.005, 2)
    yield Comparison(COVER, "Commercial Metals: wealth", 52.02, float(commercial), 0.005, 2)
    pair = _constant_mixes(closes[[0, 1]], 20)
    yield Comparison(
        COVER, "Iroquois and Kin Ark: best constant mix", 73.70, max(_constant_mixes(closes[[0, 1]], 1000)), 0.005, 2
    )
    yield Comparison(COVER, "Iroquois and Kin Ark: universal portfolio", 38.67, float(np.mean(pair)), 0.005, 2)
    other = _constant_mixes(closes[[2, 1]], 20)
    yield Comparison(
        COVER, "Commercial Metals and Kin Ark: universal portfolio", 78.4742, float(np.mean(other)), 0.00005, 4
    )


def _constant_mixes(closes: Floats, steps: int) -> list[float]:
    """Wealth of two assets rebalanced daily to 0, 1/steps, …, 1 of the first."""
    return [float(mix_equity(closes, np.array([b, 1 - b]))[-1]) for b in np.arange(steps + 1) / steps]


PUBLISHED_WEALTH = {
    "nyse_o": (14.50, 27.08), "nyse_n": (18.06, 31.55), "djia": (0.76, 0.81), "msci": (0.91, 0.93),
    "sp500": (1.34, 1.65), "tse": (1.61, 1.60),
}  # fmt: skip
"""Of each data set: wealth of buying equal parts and holding, and of equal parts every day."""


def online_selection(name: str, wealth: Floats) -> Iterator[Comparison]:
    """Comparisons for the data set `name`, for equal parts of all its assets: bought and held, and rebalanced daily.

    `wealth` has a row per asset: its price relative to the start, one element per day.
    """
    closes = np.concatenate([np.ones((len(wealth), 1)), wealth], axis=1)
    hold, daily = PUBLISHED_WEALTH[name]
    parts = np.full(len(wealth), 1 / len(wealth))
    yield Comparison(ONLINE, f"{name}: bought and held", hold, float(closes[:, -1].mean()), 0.0051, 2)
    yield Comparison(ONLINE, f"{name}: equal parts every day", daily, float(mix_equity(closes, parts)[-1]), 0.0051, 2)


NOT_LISTED = (
    "Economics working paper 9610004: the best policy trades to the nearer edge of its band. Over 60 % SPY, 40 % AGG "
    "from 2009 to 2024, at the rms deviation of a quarterly calendar, ±1.92 pp to the edge turns over 25 % less, "
    "±2.5 pp to the middle 23 % less; those prices are not shipped.",
    "What the month of a yearly rebalance is worth, and intervals of 95 % for 60/40 over 1926 to 2018, come out as "
    "published; 'l' and 'b' in the Lab, or this command's report, compute them for your own portfolio.",
)
"""Results that are reproduced but not listed as numbers."""
NOT_REACHED = (
    "Vanguard 2010, turnover (2.7 % for monthly looks): 11 % one-way here; the study does not define it.",
    "Daryanani 2008: his rules are policies of the lab (20 % of the target, checked every two weeks); his ranking of "
    "returns does not come out on 2009–2024 and is not claimed.",
    "Vanguard 2022 and 2024, T. Rowe Price 2024: the data are not published.",
)
"""What is not reproduced, and why."""
