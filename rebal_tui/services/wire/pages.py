"""Pages of the API's lists of runs and subscriptions, in a form that clients of Alpaca's API accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.runs import InitiatedFrom, Run, RunStatus, RunType
from rebal_tui.domain.trading_rules import RunOverride
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.shapes import asset_ids, override_json, run_json
from rebal_tui.services.wire.subscriptions import show_subscriptions
from rebal_tui.store import archives, past_rows, portfolios, run_orders, terminal_runs

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import rebalancing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items of a page, and in `next_key` the key of the last one; None on the last page.

    The next page is requested with this key as `before` or `after`.
    """

    items: list[T]
    next_key: int | None


def shown_type(kind: RunType) -> rebalancing.ShownRunType:
    """The type of a run that the API shows: a partial_liquidation is shown as a full_rebalance.

    Clients of Alpaca's API know only two types and fail on a third. The run's own type is in the key `kind`.
    """
    return RunType.INVEST_CASH if kind is RunType.INVEST_CASH else RunType.FULL_REBALANCE


def shown_initiator(book: Book, run: Run) -> rebalancing.Initiator:
    """Who requested a run: the program, a client of the API, or a person at the terminal."""
    if run.initiated_from is InitiatedFrom.SYSTEM:
        return "system"
    return "dashboard" if terminal_runs.has(book.database, run.id) else "api"


def page_of_runs(
    book: Book,
    limit: int,
    *,
    before: int | None = None,
    account_id: str | None = None,
    status: RunStatus | None = None,
    kind: RunType | None = None,
) -> Page[rebalancing.Run]:
    """A page of runs, newest first; `before` is the `next_key` of the page before.

    `kind` matches the run's own type or the type that the API shows.
    """
    kinds = [k for k in RunType if kind in (k, shown_type(k))]
    found = past_rows.page(
        book.database, limit + 1, before=before, account_id=account_id, status=status, kinds=kinds if kind else ()
    )
    some = [run for _, run in found[:limit]]
    overrides = past_rows.overrides(book.database, [run.id for run in some])
    return Page([_wired(book, run, overrides.get(run.id)) for run in some], _next(found, limit))


def page_of_subscriptions(
    book: Book, limit: int, *, after: int | None = None, account_id: str | None = None, portfolio_id: str | None = None
) -> Page[rebalancing.Subscription]:
    """A page of active subscriptions, oldest first; `after` is the `next_key` of the page before."""
    found = portfolios.page_of_subscriptions(
        book.database, limit + 1, after=after or 0, account_id=account_id, portfolio_id=portfolio_id
    )
    return Page(show_subscriptions(book, [one for _, one in found[:limit]]), _next(found, limit))


def wire_run(book: Book, run: Run) -> rebalancing.Run:
    """A run with its orders in the API's form, with a type that clients of Alpaca's API know."""
    return _wired(book, run, past_rows.overrides(book.database, [run.id]).get(run.id))


def _wired(book: Book, run: Run, override: RunOverride | None) -> rebalancing.Run:
    shape = run_json(run_orders.detail(archives.holding(book.database, run.id), run), asset_ids(book.assets))
    return {
        **shape,
        "type": shown_type(run.type),
        "kind": run.type,
        "initiated_from": shown_initiator(book, run),
        "override": None if override is None else override_json(override),
    }


def find_run(book: Book, run_id: str) -> rebalancing.Run:
    """A run in the API's form. Raises `NotFound`."""
    return wire_run(book, past_rows.run(book.database, run_id))


def find_subscription(book: Book, subscription_id: str) -> rebalancing.Subscription:
    """An active subscription in the API's form. Raises `NotFound`."""
    account_id = book.subscription_table.account_of(subscription_id)
    if account_id is None:
        raise NotFound(f"no subscription {subscription_id}")
    return show_subscriptions(book, [book.subscriptions[account_id]])[0]


def _next(found: Sequence[tuple[int, T]], limit: int) -> int | None:
    return found[limit - 1][0] if len(found) > limit else None
