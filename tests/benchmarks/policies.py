"""Policies of the lab against bt and vectorbt, on the same ten assets over ten years, in the same run.

bt and vectorbt come with the `bench` extra; without them their rows are missing. vectorbt is compiled before it is
measured and is given the days on which to trade, because it has no bands. Final equity is compared to the cent. All
times are of the processor, in user mode, so that other work on the machine counts less.
"""

from __future__ import annotations

import os
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from importlib import import_module
from typing import Any

import numpy as np

from rebal_tui.bootstrap import replay_book
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.chains import run_chains
from rebal_tui.lab.fan import start_days
from rebal_tui.lab.heat_map import BandPairs
from rebal_tui.lab.history import History, Ints
from rebal_tui.lab.luck import luck_of
from rebal_tui.lab.neighbors import neighborhoods
from rebal_tui.lab.paths import renewal_path
from rebal_tui.lab.peers import BAND, OPENING, WEIGHTS, first_of_quarters, generated_history
from rebal_tui.lab.policies import Policy, default_grid
from rebal_tui.lab.renewal import RenewalTable
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.backtest.report import listed
from rebal_tui.services.backtest.subjects import policy_of
from rebal_tui.services.backtest.verification import Verified, verifiable, verify
from rebal_tui.services.simulation.replay import DEFAULT_PORTFOLIO
from tests.benchmarks.report import duration, header, parser, ratio, row

POLICIES = 200_000
MILLION = 1_000_000
PAIRS = 100
"""Absolute and relative bands of the heat map."""
SESSIONS = 4_030
"""Sixteen years."""
FINALISTS = 20


def main() -> int:
    found = parser("policies", __doc__)
    found.add_argument("--policies", type=int, default=POLICIES, metavar="N", help="policies of the lab's batch")
    options = found.parse_args()
    history = generated_history()
    mine, per_policy = _lab(history, options.policies)
    header("one policy", "time", "÷ the lab", "final equity, quarterly", "final equity, band of 20 %")
    row(f"lab, batch of {options.policies:,}", f"{1e6 * per_policy:.1f} µs", "1", *(f"{value:,.2f}" for value in mine))
    events = (first_of_quarters(history), _band_events(history))
    for name, measure in (("bt", _bt), ("vectorbt", _vectorbt)):
        try:
            seconds, finals = measure(history, events)
        except ImportError:
            row(f"{name}: not installed", "", "", "", "")
            continue
        row(name, duration(seconds), ratio(seconds / per_policy), *(f"{value:,.2f}" for value in finals))
        if any(round(a, 2) != round(b, 2) for a, b in zip(mine, finals, strict=True)):
            print(f"{name} differs", file=sys.stderr)
            return 1
    _sizes()
    return 0


def _lab(history: History, count: int) -> tuple[list[float], float]:
    """The lab's final equity in both cases, and the seconds per policy of a batch."""
    table = RenewalTable(history, WEIGHTS)
    cases = (first_of_quarters(history), _band_events(history))
    finals = [OPENING * float(renewal_path(table, events).equity[-1]) for events in cases]
    policies = _random_bands(count)
    seconds = _timed(lambda: run_chains(history, WEIGHTS, policies, with_events=False))
    return finals, seconds / count


def _random_bands(count: int) -> list[Policy]:
    draw = np.random.default_rng(1)
    absolute, relative = draw.integers(100, 1000, count), draw.integers(1000, 6000, count)
    return [Policy(Percent(a), Percent(r)) for a, r in zip(absolute.tolist(), relative.tolist(), strict=True)]


def _band_events(history: History) -> Ints:
    events = run_chains(history, WEIGHTS, [BAND]).events
    return events[0] if events else np.zeros(0, dtype=np.int64)


def _bt(history: History, _events: tuple[Ints, Ints]) -> tuple[float, list[float]]:
    bt: Any = import_module("bt")
    prices, weights = _frame(history), {w.symbol: w.percent / 10_000 for w in WEIGHTS.assets}
    finals, began = [], _user()
    for name, trigger in (
        ("quarterly", bt.algos.RunQuarterly()),
        ("band", bt.algos.Or([bt.algos.RunOnce(), bt.algos.RunIfOutOfBounds(0.20)])),
    ):
        algos = [bt.algos.SelectAll(), bt.algos.WeighSpecified(**weights), trigger, bt.algos.Rebalance()]
        test = bt.Backtest(
            bt.Strategy(name, algos), prices, initial_capital=OPENING, integer_positions=False, progress_bar=False
        )
        bt.run(test)
        finals.append(float(test.strategy.values.iloc[-1]))
    return (_user() - began) / 2, finals


def _vectorbt(history: History, events: tuple[Ints, Ints]) -> tuple[float, list[float]]:
    vectorbt: Any = import_module("vectorbt")
    prices = _frame(history)

    def run(days: Ints) -> float:
        size = np.full(prices.shape, np.nan)
        size[[0, *days.tolist()]] = [w.percent / 10_000 for w in WEIGHTS.assets]
        portfolio = vectorbt.Portfolio.from_orders(
            prices, size=size, size_type="targetpercent", group_by=True, cash_sharing=True, call_seq="auto",
            init_cash=OPENING, freq="1D",
        )  # fmt: skip
        return float(portfolio.value().iloc[-1])

    run(events[0])
    began = _user()
    finals = [run(days) for days in events]
    return (_user() - began) / 2, finals


def _frame(history: History) -> Any:
    pandas: Any = import_module("pandas")
    index = pandas.DatetimeIndex(history.days)
    return pandas.DataFrame(history.closes.T.copy(), index=index, columns=list(history.symbols))


def _sizes() -> None:
    """The times of the screens' computations over sixteen years, and their largest memory with twelve assets."""
    history = generated_history(SESSIONS)
    header("16 years", "time")
    prepared: list[BandPairs] = []

    def prepare() -> None:
        prepared.append(BandPairs(history, WEIGHTS, PAIRS, PAIRS))
        prepared[-1].map()

    row("heat map of 10,000 band pairs, from half a point: prepared and drawn", duration(_timed(prepare)))
    row("the same, drawn again", duration(_timed(lambda: prepared[-1].map())))
    policies = _random_bands(MILLION)
    row("a million policies", duration(_timed(lambda: run_chains(history, WEIGHTS, policies, with_events=False))))
    grid = default_grid(Policy(Percent(500), Percent(2000), None, 7))
    backtest = run_backtest("x", WEIGHTS, history, grid)
    row(f"the default grid, {len(grid)} policies", duration(_timed(lambda: run_backtest("x", WEIGHTS, history, grid))))
    hundred = run_backtest("x", WEIGHTS, history, [*grid, *policies[: 100 - len(grid)]])
    row("1,000 resampled histories × 100 policies", duration(_once(lambda: luck_of(hundred))))
    row("neighbors of the default grid", duration(_timed(lambda: neighborhoods(backtest))))
    row("252 start days of one policy", duration(_timed(lambda: start_days(backtest, grid[0]))))
    row(*_replayed(history))
    header("16 years × 12 assets", "peak memory")
    more = generated_history(SESSIONS, seed=8)
    rows = tuple((*one, *other[:2]) for one, other in zip(history.rows, more.rows, strict=True))
    wide = replace(history, symbols=(*history.symbols, "B00", "B01"), rows=rows)
    targets = Weights(tuple(AssetWeight(symbol, Percent(800)) for symbol in wide.symbols), Percent(400))
    row(f"the default grid, {len(grid)} policies", _peak(lambda: run_backtest("x", targets, wide, grid)))
    backtest = run_backtest("x", targets, wide, grid)
    row("100 resampled histories of its policies", _peak(lambda: luck_of(backtest, resamples=100)))
    row("heat map of 10,000 band pairs", _peak(lambda: BandPairs(wide, targets, PAIRS, PAIRS).map()))
    row("a million policies", _peak(lambda: run_chains(wide, targets, policies, with_events=False)))


def _replayed(history: History) -> tuple[str, str]:
    """The time of a replay of finalists, on real sessions and two of the assets."""
    sessions = build_sessions(date(2009, 1, 2), date(2026, 1, 2))[:SESSIONS]
    days, following = zip(*((s.day, s.next_day or s.day) for s in sessions), strict=True)
    body = DEFAULT_PORTFOLIO
    past = History(body.weights.symbols, days, following, tuple(row[:2] for row in history.rows))
    backtest = run_backtest("x", body.weights, past, default_grid(policy_of(body)))
    finalists = [outcome for outcome in listed(backtest, show_all=True) if not verifiable(backtest, outcome)]
    results: list[Verified] = []
    seconds = _once(lambda: results.extend(verify(backtest, finalists[:FINALISTS], replay_book)))
    same = "the same days" if all(result.identical for result in results) else "other days"
    return f"replay of {len(results)} of its policies, 2 assets: {same}", duration(seconds)


def _peak(work: Callable[[], object]) -> str:
    """The most memory that a run allocates."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return f"{peak / 2**20:,.0f} MiB"


def _timed(work: Callable[[], object]) -> float:
    """The shorter of two runs, in seconds."""
    times = []
    for _ in range(2):
        began = _user()
        work()
        times.append(_user() - began)
    return min(times)


def _once(work: Callable[[], object]) -> float:
    """The seconds of one run."""
    began = _user()
    work()
    return _user() - began


def _user() -> float:
    """Processor seconds of this process in user mode."""
    return os.times().user


if __name__ == "__main__":
    sys.exit(main())
