"""Pages of what the API lists, in shapes that its clients accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.portfolios import Subscription
from rebal_tui.domain.runs import Run, RunStatus, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.shapes import Json, asset_ids, run_json, subscription_json
from rebal_tui.store import portfolios, run_orders, runs

T = TypeVar("T")

SHOWN_AS = {RunType.PARTIAL_LIQUIDATION: RunType.FULL_REBALANCE}
"""The API's clients know no third type of run and break on it; its own is told beside, as `kind`."""


@dataclass(frozen=True, slots=True)
class Page:
    """Items, and the key behind which the next page begins; None at the end."""

    items: tuple[Json, ...]
    next_key: int | None


def page_of_runs(
    book: Book,
    limit: int,
    *,
    before: int | None = None,
    account_id: str | None = None,
    status: RunStatus | None = None,
    kind: RunType | None = None,
) -> Page:
    """The newest runs first, by the type that they are shown as."""
    kinds = [k for k in RunType if SHOWN_AS.get(k, k) is kind or k is kind]
    found = runs.page(
        book.database, limit + 1, before=before, account_id=account_id, status=status, kinds=kinds if kind else ()
    )
    return Page(tuple(wire_run(book, run) for _, run in found[:limit]), _next(found, limit))


def page_of_subscriptions(
    book: Book, limit: int, *, after: int | None = None, account_id: str | None = None, portfolio_id: str | None = None
) -> Page:
    """Active subscriptions, the oldest first."""
    found = portfolios.page_of_subscriptions(
        book.database, limit + 1, after=after or 0, account_id=account_id, portfolio_id=portfolio_id
    )
    return Page(tuple(subscription_json(one) for _, one in found[:limit]), _next(found, limit))


def wire_run(book: Book, run: Run) -> Json:
    """A run with its orders, of a type that the API's clients know."""
    shape = run_json(run_orders.detail(book.database, run), asset_ids(book.assets))
    return {**shape, "type": SHOWN_AS.get(run.type, run.type).value, "kind": run.type.value}


def find_run(book: Book, run_id: str) -> Json:
    """One run. Raises `NotFound`."""
    return wire_run(book, runs.get(book.database, run_id))


def find_subscription(book: Book, subscription_id: str) -> Subscription:
    """One active subscription. Raises `NotFound`."""
    account_id = book.subscription_table.account_of(subscription_id)
    if account_id is None:
        raise NotFound(f"no subscription {subscription_id}")
    return book.subscriptions[account_id]


def _next(found: Sequence[tuple[int, T]], limit: int) -> int | None:
    return found[limit - 1][0] if len(found) > limit else None
