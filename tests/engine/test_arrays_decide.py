"""The array engine makes the same decisions as the exact engine for every account."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebal_tui.domain.decisions import REPORTED, Outcome
from rebal_tui.domain.trading_rules import TradingRules
from rebal_tui.engine.arrays.day_context import day_context_of
from rebal_tui.engine.arrays.decide import CHECKS, NOT_EVALUATED, OUTCOMES, decide
from rebal_tui.engine.evaluation import deciding_check, evaluate
from rebal_tui.engine.situation import Situation
from tests.engine.array_books import frame_of, random_situations, tied_situations
from tests.engine.ruled_books import random_rules, roomy_situations
from tests.engine.support import at

BOOKS = int(os.environ.get("ARRAY_BOOKS", "2"))
"""Books of a thousand accounts each, of both kinds."""
RULED_BOOKS = int(os.environ.get("RULED_BOOKS", "3"))
"""Books of 300 accounts under rules, of three kinds."""


def compare(situations: Sequence[Situation]) -> None:
    first = situations[0]
    frame = frame_of(situations)
    made = decide(frame, day_context_of(frame, first.now, first.session, price_max_age=first.price_max_age))
    for row, situation in enumerate(situations):
        exact = evaluate(situation)
        deciding = deciding_check(exact.trace, exact.outcome)
        expected_checks = [c.check for c in exact.trace if c.verdict in REPORTED]
        assert OUTCOMES[made.outcome[row]] is exact.outcome, (row, exact)
        assert CHECKS[made.check[row]] == (deciding.check if deciding else ""), (row, exact)
        assert made.reported_checks(row) == expected_checks, (row, exact)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from([random_situations, tied_situations]))
def test_a_book_is_decided_like_its_accounts_one_by_one(seed: int, kind: object) -> None:
    rng = random.Random(seed)
    compare(random_situations(rng, 20) if kind is random_situations else tied_situations(rng, 20))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(BOOKS))
def test_large_books_are_decided_like_their_accounts_one_by_one(seed: int) -> None:
    compare(random_situations(random.Random(seed), 500))
    compare(tied_situations(random.Random(seed), 1_500))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(RULED_BOOKS))
def test_accounts_with_rules_are_decided_like_one_by_one(seed: int) -> None:
    rng = random.Random(f"rules {seed}")
    for situations in (random_situations(rng, 60), tied_situations(rng, 120), roomy_situations(rng, 120)):
        compare([_under(random_rules(rng, one), one) for one in situations])


def _under(rules: TradingRules, one: Situation) -> Situation:
    portfolio = one.portfolio if rules.overrides is None else rules.overrides.applied(one.portfolio)
    return replace(one, rules=rules, portfolio=portfolio)


def test_outside_the_window_nothing_is_done() -> None:
    situations = tied_situations(random.Random(1), 20)
    late = at(situations[0].now.date(), time(15, 31))
    compare([replace(s, now=late) for s in situations])
    compare([replace(s, session=None) for s in situations])


def test_an_account_without_a_portfolio_is_omitted() -> None:
    situations = tied_situations(random.Random(2), 30)
    frame = frame_of(situations)
    portfolio = frame.accounts.portfolio.copy()
    portfolio[::3] = -1
    frame = frame.with_accounts(replace(frame.accounts, portfolio=portfolio))
    made = decide(frame, day_context_of(frame, situations[0].now, situations[0].session))
    assert (made.outcome[::3] == NOT_EVALUATED).all()
    assert sum(len(made.where(outcome)) for outcome in Outcome) == 20


def test_partitions_are_decided_like_the_whole_book() -> None:
    situations = random_situations(random.Random(3), 90)
    frame = frame_of(situations)
    day_context = day_context_of(frame, situations[0].now, situations[0].session)
    whole = decide(frame, day_context)
    parts = [decide(frame.part(start, start + 30), day_context) for start in (0, 30, 60)]
    assert [code for part in parts for code in part.check] == list(whole.check)
    assert [code for part in parts for code in part.outcome] == list(whole.outcome)
