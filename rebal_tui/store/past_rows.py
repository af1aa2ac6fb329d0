"""Runs, decisions, orders and executions of a book and its archive together; what both have appears once."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import islice

from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.orders import Fill
from rebal_tui.domain.quantities import Price
from rebal_tui.domain.runs import EVERY_RUN, Run, RunGroup, RunStatus, RunType
from rebal_tui.domain.trading_rules import RunOverride
from rebal_tui.store import (
    activities,
    archives,
    decision_contexts,
    decisions,
    fills,
    run_orders,
    run_overrides,
    run_search,
    runs,
)
from rebal_tui.store.activities import Execution, Position, Window
from rebal_tui.store.archives import databases
from rebal_tui.store.database import Database
from rebal_tui.store.decisions import StoredDecision
from rebal_tui.store.run_orders import OrderCounts
from rebal_tui.store.run_search import DateBound, Match


def run(database: Database, run_id: str) -> Run:
    """One run. Raises `NotFound` when it does not exist, or is in an archive that cannot be read."""
    return runs.get(archives.holding(database, run_id), run_id)


def run_or_none(database: Database, run_id: str) -> Run | None:
    """One run, None when it does not exist or is in an archive that cannot be read."""
    try:
        return run(database, run_id)
    except NotFound:
        return None


def count(database: Database) -> int:
    """The number of runs in the book and its archive together."""
    return sum(runs.count(one) for one in databases(database))


def page(
    database: Database, limit: int, *, before: int | None = None, account_id: str | None = None,
    status: RunStatus | None = None, kinds: Sequence[RunType] = (),
) -> list[tuple[int, Run]]:  # fmt: skip
    """Runs of book and archive that match every given filter, each as (key, run), newest first.

    With `before`, only runs with keys below it. At most `limit`; all of them when `limit` is below 0.
    """
    pages = [
        runs.page(one, limit, before=before, account_id=account_id, status=status, kinds=kinds)
        for one in databases(database)
    ]
    merged = heapq.merge(*pages, key=lambda found: found[0], reverse=True)
    return list(merged) if limit < 0 else list(islice(merged, limit))


def newest(database: Database, limit: int, account_id: str | None = None) -> list[Run]:
    """The runs of the book and its archive, or of one account in both, newest first.

    At most `limit`; all of them when `limit` is below 0.
    """
    return [found for _, found in page(database, limit, account_id=account_id)]


def find(
    database: Database, matches: Sequence[Match], dates: Sequence[DateBound], limit: int, group: RunGroup = EVERY_RUN
) -> list[Run]:
    """The newest runs of book and archive in `group` that meet every match and date bound, at most `limit`."""
    found = [run_search.find(one, matches, dates, limit, group) for one in databases(database)]
    return list(islice(heapq.merge(*found, key=lambda run: run.created_at, reverse=True), limit))


def counts_of_found(
    database: Database, matches: Sequence[Match], dates: Sequence[DateBound], kind: RunType | None = None
) -> Counter[tuple[str, bool]]:
    """How many runs of book and archive meet every match and date bound, by (status, whether they await approval)."""
    return sum((run_search.counts(one, matches, dates, kind) for one in databases(database)), Counter())


def order_counts(database: Database, run_ids: Sequence[str]) -> dict[str, OrderCounts]:
    """The order counts of each of these runs of book and archive, by run id."""
    found: dict[str, OrderCounts] = {}
    for one in reversed(databases(database)):  # The book last: it counts for a run that both have.
        found |= run_orders.counts(one, run_ids)
    return found


def overrides(database: Database, run_ids: Sequence[str]) -> dict[str, RunOverride]:
    """The restrictions that each of these runs of book and archive overrides, by run id (R-61).

    Runs that override nothing are left out.
    """
    return {key: found for one in databases(database) for key, found in run_overrides.of_runs(one, run_ids).items()}


def override_texts(database: Database, run_ids: Sequence[str]) -> dict[str, str]:
    """The restrictions that each of these runs of book and archive overrides, as text by run id (R-61).

    Runs that override nothing are left out.
    """
    return {key: text for one in databases(database) for key, text in run_overrides.texts_of_runs(one, run_ids).items()}


def latest_decisions(database: Database, account_id: str, limit: int = 1) -> list[tuple[Database, StoredDecision]]:
    """An account's decisions, newest first, each with the database (book or archive) that has its context.

    At most `limit`; all of them when `limit` is below 0.
    """
    found: list[tuple[Database, StoredDecision]] = []
    known: set[tuple[str, str, str, str | None]] = set()
    for one in databases(database):
        for stored in decisions.latest(one, account_id, limit):
            key = (stored.session, stored.portfolio_id, stored.kind.signature, stored.run_id)
            if key not in known:
                known.add(key)
                found.append((one, stored))
    found.sort(key=lambda item: (item[1].session, item[1].at), reverse=True)
    return found if limit < 0 else found[:limit]


def decision_of_run(database: Database, run_id: str) -> tuple[Database, StoredDecision] | None:
    """The decision that created a run, with the database (book or archive) that has the decision's context.

    None for a manual run.
    """
    for one in databases(database):
        stored = decisions.of_run(one, run_id)
        if stored is not None:
            return one, stored
    return None


def fills_of_account(database: Database, account_id: str, limit: int = 500) -> list[Fill]:
    """An account's executions in book and archive, newest first, at most `limit`."""
    found = {
        fill.execution_id: fill
        for one in reversed(databases(database))
        for fill in fills.of_account(one, account_id, limit)
    }
    return sorted(found.values(), key=lambda fill: (fill.at, fill.execution_id), reverse=True)[:limit]


def executions(database: Database, window: Window, order_id: str | None) -> list[tuple[Position, Execution]]:
    """The executions of book and archive that a window selects, with their sort keys.

    With `order_id`, only those of this broker order.
    """
    found = dict[Position, Execution]()
    for one in reversed(databases(database)):
        found |= dict(activities.executions(one, window, order_id))
    return sorted(found.items(), key=lambda item: item[0], reverse=window.newest_first)[: window.limit]


def activity_position(database: Database, activity: str) -> Position | None:
    """The sort key of an activity, given by its id; None for an unknown id.

    Only executions are looked for in the archive, as cash entries are never moved there.
    """
    found = activities.position_of(database, activity)
    archive = archives.past(database)
    if found is not None or archive is None or activity.startswith(activities.CASH_ID):
        return found
    return activities.position_of(archive, activity)


def session_prices(database: Database) -> dict[date, dict[str, Price]]:
    """The prices of each New York day by symbol, days ascending, as by `decision_contexts.session_prices`."""
    found = dict[date, dict[str, Price]]()
    for one in databases(database):
        found |= decision_contexts.session_prices(one)
    return dict(sorted(found.items()))
