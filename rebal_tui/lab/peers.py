"""Comparisons of the lab with other backtest programs, for the same policies on the same generated prices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import NANO, Percent, Price
from rebal_tui.lab.chains import run_chains
from rebal_tui.lab.history import History, Ints
from rebal_tui.lab.literature import Comparison
from rebal_tui.lab.paths import renewal_path
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.renewal import RenewalTable

OPENING = 1_000_000
BT = "bt 1.4.1, $1,000,000, ten generated assets, 2,520 days"
VECTORBT = "vectorbt, the same"
OKAMA = "okama, the same at month ends"
_PERCENTS = (2500, 2000, 1500, 1000, 800, 700, 500, 400, 300, 300)
WEIGHTS = Weights(tuple(AssetWeight(f"A{n:02}", Percent(percent)) for n, percent in enumerate(_PERCENTS)))
BAND = Policy(relative=Percent(2000))
_HALF_CENT = 0.005


def generated_history(sessions: int = 2520, seed: int = 7) -> History:
    """Prices of ten assets on weekdays from 2014-01-02, with normal daily returns.

    The means and standard deviations of the returns are random, but fixed by `seed`.
    """
    count = len(_PERCENTS)
    draw = np.random.default_rng(seed)
    means, deviations = draw.uniform(0.02, 0.10, count) / 252, draw.uniform(0.05, 0.25, count) / 252**0.5
    closes = 100 * np.cumprod(1 + draw.normal(means, deviations, (sessions, count)), axis=0)
    days = [date(2014, 1, 2) + timedelta(days=n) for n in range(2 * sessions)]
    days = [day for day in days if day.weekday() < 5][: sessions + 1]
    rows = tuple(tuple(Price(round(float(close) * NANO)) for close in row) for row in closes)
    return History(WEIGHTS.symbols, tuple(days[:-1]), tuple(days[1:]), rows)


def first_of_quarters(history: History) -> Ints:
    """The indexes of the first session of each quarter, without the quarter in which the history starts."""
    quarters = [(day.year, (day.month - 1) // 3) for day in history.days]
    return np.array([n for n in range(1, history.length) if quarters[n] != quarters[n - 1]], dtype=np.int64)


def month_ends(history: History) -> History:
    """The history reduced to the last session of each month."""
    last = [n for n in range(history.length) if history.following[n].month != history.days[n].month]
    if last[-1] != history.length - 1:
        last.append(history.length - 1)
    return History(
        history.symbols,
        tuple(history.days[n] for n in last),
        tuple(history.following[n] for n in last),
        tuple(history.rows[n] for n in last),
    )


def peers() -> Iterator[Comparison]:
    """Comparisons of quarterly rebalancing and of a 20 % relative band with the packages bt, vectorbt and okama.

    bt and vectorbt check the band daily; okama at month ends.
    """
    history = generated_history()
    table = RenewalTable(history, WEIGHTS)
    band = run_chains(history, WEIGHTS, [BAND]).events
    finals = []
    for name, events, final, count, turnover in (
        ("quarterly", first_of_quarters(history), 1680229.07, 39, 0.9970),
        ("band of 20 %", band[0] if band else np.zeros(0, dtype=np.int64), 1675261.85, 34, 0.9108),
    ):
        path = renewal_path(table, events)
        equity = OPENING * float(path.equity[-1])
        yield Comparison(BT, f"{name}: final equity $", final, equity, _HALF_CENT, 2)
        yield Comparison(BT, f"{name}: days with trades", count, len(events) + 1, 0, 0)
        yield Comparison(
            BT, f"{name}: sum of turnovers", turnover, float((path.sold / path.equity[events]).sum()), 0.00005, 4
        )
        finals.append(Comparison(VECTORBT, f"{name}: final equity $", final, equity, _HALF_CENT, 2))
    yield from finals
    monthly = run_chains(month_ends(history), WEIGHTS, [BAND]).events
    yield Comparison(OKAMA, "band of 20 %: events", 23, len(monthly[0]) if monthly else 0, 1, 0)
