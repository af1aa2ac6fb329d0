"""Check of the drift history: each stored point belongs to an evaluation pass and has the band usage of its decision.

A point is the band usage of an account at the time of an evaluation pass.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache

from rebal_tui.domain.errors import Fault
from rebal_tui.domain.quantities import Money
from rebal_tui.engine.drift import asset_drifts, largest_usage, value_account
from rebal_tui.services.evaluation_pass import chunks
from rebal_tui.services.maintenance.trail_rows_check import clock_slack
from rebal_tui.services.schedule.jobs import DRIFT_HISTORY_RETENTION
from rebal_tui.store import decision_contexts, decisions, drift_history
from rebal_tui.store.codec import from_positions, from_time, to_time
from rebal_tui.store.database import Database
from rebal_tui.store.decision_contexts import DecisionContext
from rebal_tui.store.decisions import StoredDecision

_MAX_PERMILLE = 1_000_000
_MAX_CACHED_CONTEXTS = 64


def drift_history_faults(database: Database) -> Iterator[Fault]:
    """Points at a time without a pass, points that differ from the decision of the same pass, and missing points.

    A point is not checked when a later decision of its session replaced the decision, or when restrictions changed what
    drift is measured against. A pass in chunks stores all its points before it decides the later chunks.
    """
    times, stray = _passes(database)
    for at in stray:
        yield Fault(f"drift history of {from_time(at)}", "no evaluation was made at this time")
    first = _first_kept(database)
    if first is None:
        return
    points = set(times.values())
    keys: dict[str, int] = dict(database.rows("SELECT id, key FROM accounts"))

    @lru_cache(maxsize=_MAX_CACHED_CONTEXTS)
    def context(key: int) -> DecisionContext:
        return decision_contexts.get(database, key)

    @lru_cache(maxsize=_MAX_CACHED_CONTEXTS)
    def point(bucket: int, at: int) -> array[int]:
        row = database.row("SELECT used FROM drift_history WHERE bucket = ? AND at = ?", (bucket, at))
        return array("i", row[0] if row is not None else b"")

    differing: dict[tuple[str, int], bool] = {}
    for stored in decisions.everything(database):
        at = times.get(to_time(stored.at), to_time(stored.at))
        if (at not in points and at < first) or stored.inputs.rules is not None:
            continue
        expected = _band_usage(stored, context(stored.context))
        bucket, offset = divmod(keys[stored.account_id], drift_history.ACCOUNTS_PER_BUCKET)
        used = point(bucket, at)[offset : offset + 1]
        if expected is not None:
            # Of several passes at one time the last one's points remain.
            key = stored.account_id, at
            differs = list(used) != [min(expected, _MAX_PERMILLE)]
            differing[key] = differs and differing.get(key, True)
    for account, at in (key for key, differs in differing.items() if differs):
        text = f"its band usage in the drift history of {from_time(at)} is not that of its decision"
        yield Fault(f"account {account}", text)


def _passes(database: Database) -> tuple[dict[int, int], list[int]]:
    """The time of the points of each pass by the time of its decision context, and the times of points without a pass.

    All times are in microseconds. In a book with a real clock that an earlier version wrote, the points of a pass have
    a time shortly before that of its context.
    """
    slack = clock_slack(database) // timedelta(microseconds=1)
    contexts = [at for (at,) in database.rows("SELECT DISTINCT at FROM contexts ORDER BY at")]
    found: dict[int, int] = {}
    stray: list[int] = []
    for (at,) in database.rows("SELECT DISTINCT at FROM drift_history ORDER BY at"):
        index = bisect_left(contexts, at)
        if index < len(contexts) and contexts[index] <= at + slack:
            found[contexts[index]] = at
        else:
            stray.append(at)
    return found, stray


def _first_kept(database: Database) -> int | None:
    """The time, in microseconds, from which every pass must still have its points.

    None for a book without audit entries, or with more subscriptions than a pass decides in one chunk.
    """
    row = database.row("SELECT (SELECT count(*) FROM subscriptions), (SELECT max(at) FROM audit)")
    if row is None or row[1] is None or row[0] > chunks.MAX_ACCOUNTS_PER_CHUNK:
        return None
    return to_time(from_time(row[1]) - DRIFT_HISTORY_RETENTION)


def _band_usage(stored: StoredDecision, context: DecisionContext) -> int | None:
    """The largest band usage that a decision found, in tenths of a percent; None without a band, equity or price."""
    portfolio, inputs = context.portfolios[stored.portfolio_id], stored.inputs
    positions = {context.symbols[key]: qty for key, qty in from_positions(inputs.positions)}
    found = ((symbol, context.assets[symbol].price) for symbol in positions)
    prices = {symbol: price for symbol, price in found if price is not None}
    if len(prices) < len(positions):
        return None
    valuation = value_account(Money(inputs.cash - inputs.reserved), positions, prices)
    largest = largest_usage(asset_drifts(valuation, portfolio.weights), portfolio.bands)
    return None if largest is None else largest.permille
