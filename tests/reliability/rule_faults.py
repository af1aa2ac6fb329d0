"""Planted faults in restrictions, destinations, minimum trades, whole shares and staggered dates (R-60 to R-67).

A fault is the product with one mistake; its catchers are tests of the default suite, at least one of which must fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any
from unittest.mock import patch

from rebal_tui.domain.portfolios import CalendarType, Destination
from rebal_tui.domain.quantities import Qty
from rebal_tui.domain.trading_rules import TradeRestriction, TradingRules
from rebal_tui.engine import bounds, buys, destination, goals, planning, whole_shares
from rebal_tui.engine.arrays import decide as array_decisions
from rebal_tui.engine.arrays.rule_columns import rule_columns
from rebal_tui.services.book import rules_view
from rebal_tui.services.evaluation import history
from rebal_tui.store import run_overrides
from tests.engine import test_arrays_decide as arrays
from tests.engine import test_restrictions_oracle as oracle
from tests.services.advisory import test_restrictions as restrictions
from tests.services.advisory import test_trade_settings as settings
from tests.services.book import test_staggered_dates as staggered
from tests.services.importing import test_restrictions_in_books as imports
from tests.services.queries import test_preview_under_rules as previews
from tests.services.runs import test_run_overrides as overrides

Catcher = Callable[[], object]
REBALANCES = [partial(oracle.test_full_rebalance_under_all_settings, shard) for shard in range(10)]
INVESTMENTS = [partial(oracle.test_invest_cash_under_all_settings, shard) for shard in range(10)]
ARRAYS = [partial(arrays.test_accounts_with_rules_are_decided_like_one_by_one, seed) for seed in range(3)]
FAULTS: dict[str, tuple[Callable[[ExitStack], None], list[Catcher]]] = {}


def _with(owner: Any, attribute: str, value: Any, *catchers: Catcher) -> tuple[Any, list[Catcher]]:
    """A fault that replaces one attribute, and the tests that catch it."""
    return lambda stack: stack.enter_context(patch.object(owner, attribute, value)), list(catchers)


@contextmanager
def planted(name: str) -> Iterator[list[Catcher]]:
    """Plant a fault; yields the tests that catch it."""
    plant, catchers = FAULTS[name]
    with ExitStack() as stack:
        plant(stack)
        yield catchers


def _least(minimum: Any, equity: Any) -> Fraction:
    """The smaller of the amount and the share of equity."""
    if minimum is None:
        return Fraction(0)
    amount = _MINIMUM(replace(minimum, percent=type(minimum.percent)(0)), equity)
    return min(amount, _MINIMUM(replace(minimum, amount=type(minimum.amount)(0)), equity))


def _loosest(weight: Any, bands: Any) -> Fraction | None:
    widths = [one for band in bands if (one := _TIGHTEST(weight, [band])) is not None]
    return max(widths, default=None)


def _fractions(line: Any, holdings: Any, least: Any) -> Any:
    rules = replace(holdings.rules, whole_shares=False)
    return _SELL(line, replace(holdings, rules=rules), least)


def _only_floored(intents: Any, budget: Any, prices: Any, portions: Any, *, live: bool) -> dict[str, int]:
    found = portions(intents)
    return {symbol: count for symbol in found if (count := int(found[symbol] // (prices[symbol] * 10**9)))}


def _of_any_run(database: Any, run_ids: Any) -> Any:
    every = [run for (run,) in database.rows("SELECT id FROM runs")]
    found = list(_OVERRIDES(database, every).values())
    return dict.fromkeys(run_ids, found[0]) if found else {}


def _a_session_late(book: Any, today: date, back: int) -> Any:
    return _SESSIONS(book, today, back + 1)[1:]


def _no_rules(frame: Any) -> Any:
    return _COLUMNS(replace(frame, accounts=replace(frame.accounts, rules={})))


_MINIMUM, _TIGHTEST, _SELL, _INTENT = (
    goals.minimum_trade_value, destination.tightest_band, planning._rebalancing_sell, buys._intent
)  # fmt: skip
_OVERRIDES, _SESSIONS, _COLUMNS = run_overrides.of_runs, rules_view._sessions_until, rule_columns
_LACKING = whole_shares._lacking
_CONDITION = (CalendarType.MONTHLY, "15", 15)

FAULTS |= {
    "what may not be sold is sold": _with(bounds, "_NO_SELL", frozenset(), *REBALANCES),
    "what may not be bought is bought": _with(bounds, "_NO_BUY", frozenset(), *REBALANCES),
    "cash is invested in what may not be bought": _with(bounds, "_NO_BUY", frozenset(), *INVESTMENTS),
    "an unmanaged holding counts": _with(TradingRules, "unmanaged", frozenset(), *REBALANCES),
    "a restriction holds after its last day": _with(
        TradeRestriction, "holds_on", lambda one, day: True,
        partial(restrictions.test_a_restriction_does_not_hold_after_its_last_day_even_before_it_is_ended, []),
    ),
    "the arrays know no rules": _with(array_decisions, "rule_columns", _no_rules, *ARRAYS),
    "a run cannot override": _with(
        TradingRules, "overriding", lambda rules, _: rules, overrides.test_a_hold_of_the_account_is_overridden
    ),
    "an override holds for every run": _with(
        run_overrides, "of_runs", _of_any_run, overrides.test_the_restriction_holds_again_for_the_next_run
    ),
    "the middle is the edge": (
        lambda stack: stack.enter_context(
            patch.dict(destination._SHARE_OF_BAND, {Destination.MIDDLE: Fraction(1)})
        ), list(REBALANCES),
    ),
    "the loosest band decides": _with(destination, "tightest_band", _loosest, *REBALANCES),
    "every run stops early": _with(
        history, "made_by_band", lambda book, run: True, previews.test_a_manual_run_goes_to_target
    ),
    "every line counts as breached": _with(
        goals, "breached_lines", lambda lines, *_: frozenset(line.symbol for line in lines), *REBALANCES
    ),
    "a sell has no minimum trade": _with(planning, "minimum_trade_value", lambda *_: Fraction(0), *REBALANCES),
    "a buy has no minimum trade": _with(buys, "minimum_trade_value", lambda *_: Fraction(0), *REBALANCES),
    "the smaller minimum counts": _with(planning, "minimum_trade_value", _least, *REBALANCES),
    "a first purchase has a minimum trade": _with(
        buys, "_intent", lambda line, *rest: _INTENT(replace(line, held=Qty(max(1, line.held))), *rest), *REBALANCES
    ),
    "the widest minimum trade counts": _with(
        rules_view, "_minimum_trade",
        lambda view, overrides, account, portfolio: (view.minimum_trade, "book" if view.minimum_trade else ""),
        settings.test_the_narrowest_scope_that_sets_a_minimum_trade_counts,
    ),
    "sells leave fractions": _with(planning, "_rebalancing_sell", _fractions, *REBALANCES),
    "shares are only rounded down": _with(buys, "whole_share_buys", _only_floored, *REBALANCES),
    "a share is bought for any shortfall": _with(
        whole_shares, "_lacking", lambda intent, shares, prices: _LACKING(intent, shares, prices) * 2, *REBALANCES
    ),
    "every account has the first place": _with(
        rules_view, "stagger_offset", lambda account_id, sessions: 0,
        partial(imports.test_a_staggered_condition_fires_some_sessions_later, []),
    ),
    "a staggered day is a session late": _with(
        rules_view, "_sessions_until", _a_session_late,
        partial(
            staggered.test_each_account_has_its_day_once_a_period_from_the_first_day_of_a_book_on, *_CONDITION
        ),
    ),
    "sessions before the book are not known": _with(
        rules_view, "days_before", lambda first: (),
        partial(
            staggered.test_each_account_has_its_day_once_a_period_from_the_first_day_of_a_book_on, *_CONDITION
        ),
    ),
}  # fmt: skip
