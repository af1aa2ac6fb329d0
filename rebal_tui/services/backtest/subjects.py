"""The portfolio that a backtest is about."""

from __future__ import annotations

from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.portfolios import Condition, Portfolio, Weights
from rebal_tui.lab.policies import Policy, own_policy
from rebal_tui.services.parsing.book_values import BookFile
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.store import portfolios
from rebal_tui.store.database import Database


def policy_of(portfolio: Portfolio | PortfolioBody) -> Policy:
    """The Lab's policy with the conditions, cooldown, destination and scope of a portfolio."""
    conditions: tuple[Condition, ...] = portfolio.conditions
    return own_policy(
        conditions, portfolio.cooldown_days, portfolio.rebalance_to, portfolio.rebalance_scope
    )  # fmt: skip


def require_assets(name: str, weights: Weights) -> None:
    """Raise `Conflict` unless the weights have at least one asset; `name` is that of their portfolio."""
    if not weights.assets:
        raise Conflict(f"{name} has no asset: there is nothing to rebalance")


def from_file(parsed: BookFile, name: str | None) -> PortfolioBody:
    """A portfolio of a BOOK.json by name or id; if `name` is None, the file's only portfolio.

    Raises `NotFound` if there is none, and `Conflict` if there are several or if the portfolio has no asset.
    """
    found = [p.body for p in parsed.portfolios if name is None or name in (p.id, p.body.name)]
    return _only(found, name, [p.body.name for p in parsed.portfolios])


def from_book(database: Database, name: str) -> PortfolioBody:
    """A portfolio of a book by name or id.

    Raises `NotFound` if there is none, and `Conflict` if several have the name or if the portfolio has no asset.
    """
    known = portfolios.load(database).values()
    found = [_body(p) for p in known if name in (p.id, p.name)]
    return _only(found, name, [p.name for p in known])


def _body(portfolio: Portfolio) -> PortfolioBody:
    return PortfolioBody(
        portfolio.name, portfolio.description, portfolio.weights, portfolio.cooldown_days, portfolio.conditions,
        rebalance_to=portfolio.rebalance_to, rebalance_scope=portfolio.rebalance_scope,
    )  # fmt: skip


def _only(found: list[PortfolioBody], name: str | None, known: list[str]) -> PortfolioBody:
    listed = ", ".join(known[:20]) or "none"
    if not found:
        raise NotFound(f"no portfolio {name!r}; there are: {listed}" if name else "the file has no portfolio")
    if len(found) > 1:
        raise Conflict(f"several portfolios: name one of {listed}, or give its id")
    require_assets(found[0].name, found[0].weights)
    return found[0]
