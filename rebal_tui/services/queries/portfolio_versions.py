"""Versions of a portfolio, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from rebal_tui.domain.portfolios import Condition, MinimumTrade, Portfolio
from rebal_tui.engine.trace_text import condition_words, money, percent
from rebal_tui.services.advisory.versions import check_version
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries.portfolios import impact
from rebal_tui.services.view_models.portfolio_versions import Difference, VersionView
from rebal_tui.services.view_models.portfolios import Impact
from rebal_tui.store.portfolio_versions import versions

CASH = "cash"

_FIELDS: tuple[tuple[str, Callable[[Portfolio], str]], ...] = (
    ("Name", lambda one: one.name),
    ("Description", lambda one: one.description),
    ("Cooldown", lambda one: f"{one.cooldown_days} d"),
    ("Review", lambda one: "on" if one.review else "off"),
    ("Rebalance to", lambda one: one.rebalance_to.value),
    ("Rebalance scope", lambda one: one.rebalance_scope.value),
    ("Minimum trade", lambda one: _minimum(one.minimum_trade)),
    ("Sessions of the calendar", lambda one: str(one.stagger_sessions)),
)


def version_views(book: Book, portfolio_id: str) -> tuple[VersionView, ...]:
    """All versions of a portfolio, newest first, with their differences. Raises `NotFound`."""
    present = book.portfolio(portfolio_id)
    found = versions(book.database, present)
    changes: list[tuple[Difference, ...]] = [
        differences(older.portfolio, newer.portfolio) for newer, older in pairwise(found)
    ]
    return tuple(
        VersionView(
            one.number, one.at, one.actor, changed, differences(present, one.portfolio), oldest=one is found[-1]
        )
        for one, changed in zip(found, [*changes, ()], strict=True)
    )


def impact_of_version(book: Book, portfolio_id: str, number: int) -> Impact:
    """What returning to a version would do to the subscribers. Raises the errors of `check_version` and `impact`."""
    old = check_version(book, portfolio_id, number).portfolio
    return impact(book, portfolio_id, PortfolioBody.of(old))


def differences(before: Portfolio, after: Portfolio) -> tuple[Difference, ...]:
    """The fields in which two versions differ: weights first, then conditions and the others."""
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


def _minimum(minimum: MinimumTrade | None) -> str:
    return "" if minimum is None else f"{money(minimum.amount)} or {percent(minimum.percent)}"
