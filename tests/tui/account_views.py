"""Prepared pages of accounts for snapshots."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from rebal_tui.domain.quantities import Money, Qty, parse_price
from rebal_tui.services.view_models.account_page import AccountPageView
from rebal_tui.services.view_models.accounts import AccountDetail, AccountRow, LedgerEntry, PositionView
from rebal_tui.services.view_models.desk import DeskRow, HoldingView
from tests.tui import run_views, views


def account_page(row: DeskRow) -> AccountPageView:
    """The page of the row's account: its holdings as positions, one deposit and one run."""
    view = views.account_view(row)
    held = AccountRow(
        row.account_id, row.account_number, row.client, "ACTIVE", (), row.equity, row.cash, row.cash, Money(0),
        row.portfolio_id, row.portfolio, row.status, row.state, view.restrictions[0] if row.exception else "", None,
    )  # fmt: skip
    at = datetime(2025, 6, 2, 14, tzinfo=UTC)
    deposit = LedgerEntry(at, "deposit", row.equity, at.date().isoformat(), True, "opening balance")
    run = replace(run_views.run_row(0, row), account_id=row.account_id)
    decisions = tuple(one for one in (view.decision_now, view.last_decision) if one is not None)
    positions = tuple(_position(holding) for holding in view.holdings if holding.symbol != "cash")
    detail = AccountDetail(
        held, positions, (deposit,), (run,), decisions, at, row.last_rebalanced, row.year, Money(0),
        f"s-{row.account_id}",
    )  # fmt: skip
    return AccountPageView(1, view, detail)


def _position(holding: HoldingView) -> PositionView:
    price = parse_price(views.PRICES[holding.symbol])
    return PositionView(holding.symbol, holding.symbol, Qty(holding.qty), price, holding.value, price, Money(0))
