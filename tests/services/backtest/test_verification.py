"""Backtests against the engine: the same days as a replay."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from rebal_tui.bootstrap import replay_book
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import (
    AssetWeight,
    CalendarCondition,
    CalendarType,
    Destination,
    RebalanceScope,
    Weights,
)
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.policies import Policy, default_grid
from rebal_tui.market.closes_file import read_closes
from rebal_tui.services.backtest import histories
from rebal_tui.services.backtest.histories import SAMPLE_PORTFOLIO, closes_source, sample_source
from rebal_tui.services.backtest.subjects import policy_of
from rebal_tui.services.backtest.verification import difference, verification_text, verify
from rebal_tui.services.simulation.replay import DEFAULT_PORTFOLIO

REAL = Path(__file__).parents[4] / "shared" / "data" / "etf_daily_close_2009_2024.csv"
FOUR = Weights(
    tuple(
        AssetWeight(symbol, Percent(percent))
        for symbol, percent in (("X-STOCKS", 4000), ("X-BONDS", 3000), ("X-GOLD", 1500), ("X-WORLD", 1000))
    ),
    Percent(500),
)


POLICIES = int(os.environ.get("LAB_POLICIES", "16"))
OTHERS = max(5, POLICIES // 5)
CHUNK = 200
"""Policies of one replay."""


def random_policies(seed: int, count: int) -> list[Policy]:
    draw = random.Random(seed)
    days = [
        None, None, None, CalendarCondition(CalendarType.WEEKLY, "Wednesday"),
        *(CalendarCondition(CalendarType.MONTHLY, str(day)) for day in (1, 15, 31)),
        CalendarCondition(CalendarType.QUARTERLY, "30"), CalendarCondition(CalendarType.ANNUALLY, "02-29"),
    ]  # fmt: skip
    return [
        Policy(
            draw.choice([None, Percent(draw.randint(50, 1000))]), draw.choice([None, Percent(draw.randint(300, 6000))]),
            draw.choice(days), draw.choice([0, 0, 1, 7, draw.randint(2, 120)]),
        )
        for _ in range(count)
    ]  # fmt: skip


def stopping_elsewhere(policy: Policy, number: int) -> Policy:
    """The policy with a band, each destination and scope in turn but the target of every line."""
    places = [
        (Destination.MIDDLE, RebalanceScope.WHOLE), (Destination.EDGE, RebalanceScope.WHOLE),
        *((destination, RebalanceScope.BREACHED) for destination in Destination),
    ]  # fmt: skip
    destination, scope = places[number % len(places)]
    absolute = policy.absolute if policy.bands else Percent(200)
    return replace(policy, absolute=absolute, destination=destination, scope=scope)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(0, POLICIES, CHUNK))
def test_random_policies_rebalance_on_the_days_of_a_replay(first: int) -> None:
    verified(random_policies(1, POLICIES)[first : first + CHUNK])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(0, OTHERS, CHUNK))
def test_random_policies_that_stop_elsewhere_rebalance_on_the_days_of_a_replay(first: int) -> None:
    policies = [stopping_elsewhere(policy, number) for number, policy in enumerate(random_policies(2, OTHERS))]
    verified(policies[first : first + CHUNK])


def verified(policies: list[Policy]) -> None:
    """Assert that policies rebalance as in a replay, in the most volatile months of the sample."""
    past = sample_source(FOUR.symbols).history.part(1540, 1700)
    backtest = run_backtest("random", FOUR, past, policies)

    results = verify(backtest, backtest.outcomes, replay_book)

    assert {result.outcome.policy: result.difference for result in results if not result.identical} == {}
    assert sum(len(outcome.days) for outcome in backtest.outcomes) > 3 * len(policies)
    assert verification_text(results).startswith(f"Verified by the engine: {len(policies)} policies, ")


@pytest.mark.slow
def test_a_replay_that_differs_names_the_first_day() -> None:
    past = sample_source().history.part(1500, 1620)
    backtest = run_backtest("own", SAMPLE_PORTFOLIO.weights, past, [policy_of(SAMPLE_PORTFOLIO)])
    assert len(backtest.own.days) > 1
    wrong = replace(backtest.own, days=backtest.own.days[1:])

    (result,) = verify(backtest, [wrong], replay_book)

    assert result.difference == f"{backtest.own.days[0]}: a rebalance in the replay only"
    assert verification_text([result]).startswith("±5/20 % 7 d differs on ")


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ((1, 2), (1, 2), ""),
        ((1, 2), (1, 3), "2020-01-02: a rebalance in the backtest only"),
        ((1,), (1, 3), "2020-01-03: a rebalance in the replay only"),
        ((1, 4), (1,), "2020-01-04: a rebalance in the backtest only"),
    ],
)
def test_the_first_difference(ours: tuple[int, ...], theirs: tuple[int, ...], expected: str) -> None:
    days = [[date(2020, 1, day) for day in found] for found in (ours, theirs)]

    assert difference(*days) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "options", "reason"),
    [
        (Policy(absolute=Percent(500), look=5), {}, "every session"),
        (Policy(absolute=Percent(500)), {"cost_bps": 5.0}, "no trading costs"),
        (Policy(absolute=Percent(500)), {"fill_delay": 1}, "close of the decision"),
        (Policy(absolute=Percent(0)), {}, "a band of 0"),
    ],
)
def test_what_a_replay_cannot_do_is_refused(policy: Policy, options: dict[str, float], reason: str) -> None:
    past = sample_source().history.part(0, 50)
    backtest = run_backtest("x", SAMPLE_PORTFOLIO.weights, past, [policy], **options)  # type: ignore[arg-type] # mixed

    with pytest.raises(Conflict, match=reason):
        verify(backtest, backtest.outcomes, replay_book)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the price history is not part of the repository")
def test_the_default_book_over_16_years_has_the_known_figures() -> None:
    source = closes_source("etf", read_closes(REAL), DEFAULT_PORTFOLIO.weights.symbols)
    backtest = run_backtest("default", DEFAULT_PORTFOLIO.weights, source.history, [policy_of(DEFAULT_PORTFOLIO)])
    own = backtest.own
    path = backtest.path(own)

    assert source.notes == ()
    assert len(own.days) + 1 == 24
    assert f"{100 * own.figures.worst:.4f}" == "6.3334"
    assert round(100_000 * float(path.sold.sum() + path.bought.sum())) + 95_000 == 517_251
    assert f"{100_000 * own.figures.final:.2f}" == "323924.39"


@pytest.mark.slow
def test_the_grid_of_the_sample_has_policies_that_differ() -> None:
    source = sample_source()
    backtest = run_backtest("x", SAMPLE_PORTFOLIO.weights, source.history, default_grid(policy_of(SAMPLE_PORTFOLIO)))

    assert source.label == histories.SAMPLE_LABEL
    assert len({outcome.days for outcome in backtest.outcomes}) > 40
    assert {outcome.policy.destination for outcome in backtest.outcomes} == set(Destination)
