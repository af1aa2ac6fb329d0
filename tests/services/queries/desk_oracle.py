"""Rows of the Desk by the exact form, one account at a time: the oracle for the rows of a sweep."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.decisions import Decision, Verdict
from rebal_tui.domain.portfolios import PortfolioStatus, Subscription
from rebal_tui.domain.quantities import value_cents
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trade_status import StatusKind, TradeStatus
from rebal_tui.engine.arrays.sweep import NEAR_PERMILLE
from rebal_tui.engine.calendar import in_cooldown
from rebal_tui.engine.drift import BandUsage, asset_drifts, largest_drift, largest_usage
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.engine.situation import MIN_INVEST_VALUE, Situation, calendar_day, excess_cash, price_faults
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account, situation, value_of
from rebal_tui.services.queries.status_columns import SHORT_TEXTS, run_state, stopped_by
from rebal_tui.services.view_models.desk import DeskRow
from rebal_tui.services.view_models.standing import STATUS_TILES, Tile, short_status


def exact_rows(book: Book) -> list[DeskRow]:
    """Every subscribed account, oldest subscription first."""
    return [exact_row(book, subscription) for subscription in book.subscriptions.values()]


def exact_row(book: Book, subscription: Subscription) -> DeskRow:
    account_id = subscription.account_id
    now = situation(book, account_id)
    valuation = now.valuation
    drifts = asset_drifts(valuation, now.portfolio.weights)
    usage = largest_usage(drifts, now.portfolio.bands)
    worst = usage.drift if usage else largest_drift(drifts)
    status = evaluate_account(book, account_id, stopped_by(book)).status
    assert status is not None
    return DeskRow(
        account_id=account_id,
        account_number=now.account.account_number,
        client=now.account.name,
        portfolio_id=now.portfolio.id,
        portfolio=now.portfolio.name,
        equity=value_cents(value_of(book, account_id).equity),
        cash=now.account.cash,
        worst=worst.symbol if worst else "",
        drift_bp=worst.points if worst else 0,
        band_used=usage.permille if usage else None,
        status=status.kind,
        tiles=_tiles(now, usage, status),
        state=_state(book, now, status),
        last_rebalanced=new_york_day(last) if (last := subscription.last_rebalanced_at) else None,
        year=new_york_day(now.now).year,
    )


def _tiles(now: Situation, usage: BandUsage | None, status: TradeStatus) -> frozenset[Tile]:
    tiles = {Tile.ALL, next(tile for tile, kind in STATUS_TILES.items() if kind is status.kind)}
    if now.subscription.last_rebalanced_at is None:
        tiles.add(Tile.FIRST)
    if in_cooldown(now.subscription.last_rebalanced_at, now.portfolio.cooldown_days, new_york_day(now.now)):
        tiles.add(Tile.COOLDOWN)
    if calendar_day(now) and now.quota_run is None and Tile.COOLDOWN not in tiles:
        tiles.add(Tile.CALENDAR)
    if excess_cash(now) >= MIN_INVEST_VALUE:
        tiles.add(Tile.CASH)
    if usage is not None and usage.breached:
        tiles.add(Tile.OUTSIDE)
    elif usage is not None and usage.permille >= NEAR_PERMILLE:
        tiles.add(Tile.NEAR)
    faults = price_faults(now) if now.session is not None and now.session.is_open(now.now) else []
    if faults and not _stops(now):
        tiles.add(Tile.UNABLE)
    return frozenset(tiles)


def _stops(now: Situation) -> list[str]:
    stops = [name for name, _ in blocking_reasons(now.account, now.valuation)]
    if now.unreconciled:
        stops.append("unreconciled")
    if now.portfolio.status is not PortfolioStatus.ACTIVE:
        stops.append(now.portfolio.status.value)
    return stops


def _state(book: Book, now: Situation, status: TradeStatus) -> str:
    run = book.open_runs.get(now.account.id)
    if status.kind is StatusKind.NEEDS_YOU:
        return _cause(now) or (run_state(book, run) if run else "needs you")
    if run is not None:
        return run_state(book, run)
    traded = now.quota_run is not None
    kind, at = status.kind, status.first_trade_at
    banded = bool(now.portfolio.bands)
    return short_status(kind, status.waits_for, at, now.now, traded=traded, banded=banded, reviewed=status.reviewed)


def _cause(now: Situation) -> str:
    stops = _stops(now)
    if stops:
        return SHORT_TEXTS[stops[0]]
    if any((asset := now.assets.get(symbol)) is None or asset.price is None for symbol in now.needed_symbols):
        return SHORT_TEXTS["prices"]
    asked = replace(now, ignore_window=True, open_run=None, external_orders=0, quota_run=None, price_max_age=None)
    decision: Decision = evaluate(asked)
    if decision.trace[-1].check == "assets":
        return SHORT_TEXTS["assets"]
    return SHORT_TEXTS["cannot"] if any(check.verdict is Verdict.CANNOT for check in decision.trace) else ""
