"""What differs between two contents of a portfolio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rebal_tui.domain.portfolios import Condition, Portfolio
from rebal_tui.engine.trace_text import condition_words, percent
from rebal_tui.services.advisory.trade_settings import minimum_text
from rebal_tui.services.view_models.portfolio_versions import Difference

CASH = "cash"

_FIELDS: tuple[tuple[str, Callable[[Portfolio], str]], ...] = (
    ("Name", lambda one: one.name),
    ("Description", lambda one: one.description),
    ("Cooldown", lambda one: f"{one.cooldown_days} d"),
    ("Review", lambda one: "on" if one.review else "off"),
    ("Rebalance to", lambda one: one.rebalance_to.value),
    ("Rebalance scope", lambda one: one.rebalance_scope.value),
    ("Minimum trade", lambda one: minimum_text(one.minimum_trade) if one.minimum_trade else ""),
    ("Sessions of the calendar", lambda one: str(one.stagger_sessions)),
)


def differences(before: Portfolio, after: Portfolio) -> tuple[Difference, ...]:
    """The fields in which two contents differ: weights first, then conditions and the others."""
    return (
        *_weights(before, after),
        *_conditions(before.conditions, after.conditions),
        *(Difference(name, read(before), read(after)) for name, read in _FIELDS if read(before) != read(after)),
    )


def _weights(before: Portfolio, after: Portfolio) -> Iterator[Difference]:
    old = {**{one.symbol: one.percent for one in before.weights.assets}, CASH: before.weights.cash}
    new = {**{one.symbol: one.percent for one in after.weights.assets}, CASH: after.weights.cash}
    for symbol in dict.fromkeys([*old, *new]):
        was, becomes = old.get(symbol, 0), new.get(symbol, 0)
        if was != becomes:
            yield Difference(
                symbol,
                percent(old[symbol]) if was else "",
                percent(new[symbol]) if becomes else "",
                becomes - was,
            )


def _conditions(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[Difference]:
    for one in before:
        if one not in after:
            yield Difference("Condition", condition_words(one), "")
    for one in after:
        if one not in before:
            yield Difference("Condition", "", condition_words(one))
