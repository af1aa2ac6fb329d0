"""Rows of the Desk by the exact form, one account at a time: the oracle for the rows of a sweep."""

from __future__ import annotations

from rebal_tui.domain.portfolios import PortfolioStatus, Subscription
from rebal_tui.domain.quantities import floor_money
from rebal_tui.domain.sessions import NEW_YORK, new_york_day
from rebal_tui.engine.arrays.sweep import NEAR_PERMILLE
from rebal_tui.engine.calendar import cooldown_ends, in_cooldown
from rebal_tui.engine.drift import BandUsage, Valuation, asset_drifts, largest_drift, largest_usage
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.engine.situation import MIN_INVEST_VALUE, Situation, calendar_day, excess_cash, price_faults
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import situation
from rebal_tui.services.queries.desk import run_state
from rebal_tui.services.queries.desk_rows import SHORT_TEXTS
from rebal_tui.services.schedule.scheduler import next_evaluation
from rebal_tui.services.view_models.desk import DeskRow
from rebal_tui.services.view_models.standing import Standing, Tile


def exact_rows(book: Book) -> list[DeskRow]:
    """Every subscribed account, oldest subscription first."""
    upcoming = next_evaluation(book)
    when = f"{upcoming.astimezone(NEW_YORK):%H:%M}" if upcoming else ""
    return [exact_row(book, subscription, when) for subscription in book.subscriptions.values()]


def exact_row(book: Book, subscription: Subscription, when: str) -> DeskRow:
    account_id = subscription.account_id
    now = situation(book, account_id)
    valuation = now.valuation
    drifts = asset_drifts(valuation, now.portfolio.weights)
    usage = largest_usage(drifts, now.portfolio.bands)
    worst = usage.drift if usage else largest_drift(drifts)
    tiles, standing, state = _standing(book, now, valuation, usage, when)
    return DeskRow(
        account_id=account_id,
        account_number=now.account.account_number,
        client=now.account.name,
        portfolio_id=now.portfolio.id,
        portfolio=now.portfolio.name,
        equity=floor_money(valuation.equity),
        cash=now.account.cash,
        worst=worst.symbol if worst else "",
        drift_bp=worst.points if worst else 0,
        band_used=usage.permille if usage else None,
        standing=standing,
        tiles=tiles,
        state=state,
        last_rebalanced=new_york_day(last) if (last := subscription.last_rebalanced_at) else None,
        exception=standing in (Standing.BLOCKED, Standing.UNABLE),
    )


def _standing(
    book: Book, now: Situation, valuation: Valuation, usage: BandUsage | None, when: str
) -> tuple[frozenset[Tile], Standing, str]:
    tiles = {Tile.ALL}
    stopped = blocking_reasons(now.account, valuation)
    faults = price_faults(now) if now.session is not None and now.session.is_open(now.now) else []
    last = now.subscription.last_rebalanced_at
    cooling = in_cooldown(last, now.portfolio.cooldown_days, new_york_day(now.now))
    if last is None:
        tiles.add(Tile.FIRST)
    if cooling:
        tiles.add(Tile.COOLDOWN)
    if calendar_day(now):
        tiles.add(Tile.CALENDAR)
    if excess_cash(now) >= MIN_INVEST_VALUE:
        tiles.add(Tile.CASH)
    standing = Standing.NONE if usage is None else Standing.INSIDE
    if usage is not None and usage.breached:
        tiles.add(Tile.OUTSIDE)
        standing = Standing.OUTSIDE
    elif usage is not None and usage.permille >= NEAR_PERMILLE:
        tiles.add(Tile.NEAR)
        standing = Standing.NEAR
    blocks = [name for name, _ in stopped]
    if now.unreconciled:
        blocks.append("unreconciled")
    if now.portfolio.status is not PortfolioStatus.ACTIVE:
        blocks.append(now.portfolio.status.value)
    if blocks:
        tiles.add(Tile.BLOCKED)
        return frozenset(tiles), Standing.BLOCKED, SHORT_TEXTS[blocks[0]]
    if faults:
        tiles.add(Tile.UNABLE)
        return frozenset(tiles), Standing.UNABLE, "no price" if faults[0].endswith("has no price") else "stale price"
    return frozenset(tiles), standing, _state(book, now, tiles, cooling, when)


def _state(book: Book, now: Situation, tiles: set[Tile], cooling: bool, when: str) -> str:
    run = book.open_runs.get(now.account.id)
    if run is not None:
        return run_state(run)
    if now.external_orders:
        return "external order"
    if now.quota_run:
        return "ran today"
    fires = Tile.FIRST in tiles or (not cooling and (Tile.CALENDAR in tiles or Tile.OUTSIDE in tiles))
    if (fires or Tile.CASH in tiles) and when:
        return f"runs {when}"
    last = now.subscription.last_rebalanced_at
    if cooling and last is not None:
        left = cooldown_ends(last, now.portfolio.cooldown_days) - new_york_day(now.now)
        return f"cooling {left.days}d"
    return "near" if Tile.NEAR in tiles else "inside"
