"""Data of the Runs screen, and the rows of the portfolio list."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rebal_tui.domain.cash import Withdrawal
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.quantities import (
    NANO,
    Money,
    Percent,
    Price,
    Qty,
    market_value,
    nearest_cents,
    value_cents,
)
from rebal_tui.domain.runs import Run, RunStatus, RunType
from rebal_tui.engine.shares import CASH, planned_shares, share
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.ineligible_assets import ineligible_assets
from rebal_tui.services.evaluation.history import decision_of_run, plan_context, plan_of, timeline
from rebal_tui.services.evaluation.review_rule import reviews_every_run
from rebal_tui.services.files_book.list_numbers import lists_of
from rebal_tui.services.queries.desk import conditions_text
from rebal_tui.services.queries.entries_naming import entries_naming
from rebal_tui.services.queries.raised import raised_text
from rebal_tui.services.queries.status_columns import list_text
from rebal_tui.services.queries.totals import assets_under
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.services.view_models.runs import RunRow, RunsSnapshot, RunView, RunWeight, TimelineEvent
from rebal_tui.services.wire.shapes import asset_ids, run_json
from rebal_tui.store import archives, cash, fills, past_rows, plan_inputs, run_orders, runs
from rebal_tui.store.audit import AuditEntry
from rebal_tui.store.database import Database

MAX_ENTRIES_OF_RUN = 100
"""The newest audit entries that are searched for what a run reserved; its end is among its last."""
WITHOUT_PORTFOLIO = "no portfolio"
"""Shown as the portfolio of a run with weights of its own, whose account follows none."""


def runs_snapshot(book: Book, limit: int = 500) -> RunsSnapshot:
    """At most `limit` runs, newest first, with the number of all runs of the book."""
    count = past_rows.count(book.database)
    return RunsSnapshot(book.version, rows_of(book, past_rows.newest(book.database, limit)), count, count)


def rows_of(book: Book, some: Sequence[Run]) -> tuple[RunRow, ...]:
    """Runs as rows of a list, in the order given."""
    counts = past_rows.order_counts(book.database, [run.id for run in some])
    overridden = past_rows.override_texts(book.database, [run.id for run in some])
    begun = [run.id for run in some if run.status is RunStatus.IN_PROGRESS]
    left = _left_portfolios(book, some)
    ordered = _ordered(book, [one for one in begun if one in counts and not counts[one].amount])
    return tuple(
        replace(
            _row(book, run, counts.get(run.id), overridden.get(run.id, "")),
            ordered=ordered[run.id],
            portfolio=left.get(run.id) or _portfolio(book, run),
        )
        for run in some
    )


def _ordered(book: Book, run_ids: Sequence[str]) -> Mapping[str, Money]:
    """By run id, the dollars of a run's orders at its plan's prices, each to the nearest cent; 0 without orders."""
    dollars = defaultdict[str, Money](lambda: Money(0))
    context_of = plan_inputs.context_keys(book.database, run_ids)
    contexts = {key: plan_context(book.database, key) for key in set(context_of.values())}
    for run_id, symbol, notional, qty in run_orders.ordered(book.database, run_ids):
        asset = contexts[context_of[run_id]].assets.get(symbol) if run_id in context_of else None
        price = asset.price if asset is not None and asset.price is not None else Price(0)
        amount = value_cents(market_value(qty or Qty(0), price)) if notional is None else nearest_cents(notional)
        dollars[run_id] = Money(dollars[run_id] + amount)
    return dollars


def _row(book: Book, run: Run, counts: run_orders.OrderCounts | None, overrides: str) -> RunRow:
    account = book.account(run.account_id)
    return RunRow(
        id=run.id,
        type=run.type.value,
        status=run.status.value,
        phase=_phase(book, run),
        account_id=run.account_id,
        account_number=account.account_number,
        client=account.name,
        portfolio_id=run.portfolio_id,
        portfolio="",
        created_at=run.created_at,
        updated_at=run.updated_at,
        session=run.session,
        initiated_from=run.initiated_from.value,
        done=counts.filled if counts else 0,
        total=counts.total if counts else 0,
        amount=counts.amount if counts else Money(0),
        problems=counts.problems if counts else 0,
        awaiting_approval=run.awaits_approval,
        overrides=overrides,
        skipped=counts.skipped if counts else 0,
    )


def _phase(book: Book, run: Run) -> str:
    return list_text(book, run) or run.phase.value


def run_view(book: Book, run_id: str) -> RunView:
    """One run with its orders, fills, timeline, weights and decision. Raises `NotFound`."""
    database = archives.holding(book.database, run_id)
    run = runs.get(database, run_id)
    account = book.account(run.account_id)
    detail = run_orders.detail(database, run)
    plan, filled = plan_of(database, run), tuple(fills.of_run(database, run_id))
    return RunView(
        run=run,
        client=account.name,
        account_number=account.account_number,
        portfolio=_left_portfolios(book, [run]).get(run_id) or _portfolio(book, run),
        plan=plan,
        orders=detail.orders,
        failed_orders=detail.failed_orders,
        skipped_orders=detail.skipped_orders,
        fills=filled,
        timeline=tuple(TimelineEvent(*event) for event in timeline(database, run, plan)),
        weights=_weights(database, run, plan),
        decision=decision_of_run(database, run_id),
        api_json=json.dumps(run_json(detail, asset_ids(book.assets)), indent=2, ensure_ascii=False),
        raised=raised_text(run, plan, filled, _ended_with(book, run)),
        phase=_phase(book, run),
        on_lists=lists_of(book, [*detail.orders, *detail.failed_orders]) if book.settings.one_list else None,
    )


def left_text(portfolio: Portfolio) -> str:
    """The text shown as the portfolio of a withdrawal's run: it names the portfolio that the account left."""
    return f"withdrawal from {portfolio.name}"


def _portfolio(book: Book, run: Run) -> str:
    return book.portfolios[run.portfolio_id].name if run.portfolio_id else WITHOUT_PORTFOLIO


def _left_portfolios(book: Book, some: Sequence[Run]) -> dict[str, str]:
    """By run id, the `left_text` of a withdrawal's run, whose account follows no portfolio during the withdrawal.

    Other runs, and those of accounts that followed none, are left out.
    """
    raising = [run for run in some if run.type is RunType.PARTIAL_LIQUIDATION and not run.portfolio_id]
    withdrawals = cash.withdrawals_of_accounts(book.database, [run.account_id for run in raising]) if raising else []
    by_account: defaultdict[str, list[Withdrawal]] = defaultdict(list)
    for withdrawal in withdrawals:
        by_account[withdrawal.account_id].append(withdrawal)
    found = {}
    for run in raising:
        made_by = next((one for one in by_account[run.account_id] if one.made(run.id, run.created_at)), None)
        if made_by is not None and made_by.portfolio_id is not None:
            found[run.id] = left_text(book.portfolios[made_by.portfolio_id])
    return found


def _ended_with(book: Book, run: Run) -> Iterator[AuditEntry]:
    """The audit entries that name a run, read only when they are iterated over."""
    yield from entries_naming(book, run.id, MAX_ENTRIES_OF_RUN)


def portfolio_rows(book: Book) -> tuple[PortfolioRow, ...]:
    """Every portfolio with its number of subscribers and their total equity."""
    worth, all_reviewed = assets_under(book), reviews_every_run(book)
    return tuple(
        PortfolioRow(
            id=portfolio.id,
            name=portfolio.name,
            description=portfolio.description,
            status=portfolio.status.value,
            weights=portfolio.weights,
            conditions=portfolio.conditions,
            conditions_text=conditions_text(portfolio),
            cooldown_days=portfolio.cooldown_days,
            subscribers=len(book.subscription_table.rows_of(portfolio.id)),
            assets_under_model=total,
            review=portfolio.review,
            book_reviews=all_reviewed,
            barred=tuple(ineligible_assets(book, portfolio)),
        )
        for portfolio, total in zip(book.portfolios.values(), worth, strict=True)
    )


def _weights(database: Database, run: Run, plan: Plan | None) -> tuple[RunWeight, ...]:
    """Target, weight at the start of the run, planned weight, and weight after it; cash is last.

    The planned weights are those to which the plan's orders lead at its prices, as in its preview. After the run, an
    asset that traded is valued at the price of its last fill, and cash is as booked by the fills.
    """
    if plan is None or plan.equity <= 0:
        targets = [(w.symbol, w.percent) for w in run.weights.assets]
        return tuple(RunWeight(s, p, None, None, None) for s, p in [*targets, (CASH, run.weights.cash)])
    held = {line.symbol: line.held for line in plan.lines}
    prices = {line.symbol: line.price or 0 for line in plan.lines}
    cash = plan.cash * NANO
    filled = fills.of_run(database, run.id)
    for fill in filled:
        sign = 1 if fill.side is Side.BUY else -1
        held[fill.symbol] = Qty(held.get(fill.symbol, 0) + sign * fill.qty)
        prices[fill.symbol] = fill.price
        cash -= sign * fill.amount * NANO
    before, planned = planned_shares(plan)
    values = {symbol: held[symbol] * prices[symbol] for symbol in before if symbol != CASH} | {CASH: cash}
    equity = sum(values.values())
    names = [*((line.symbol, line.target) for line in plan.lines), (CASH, Percent(run.weights.cash))]
    return tuple(
        RunWeight(
            name, target, before.get(name), planned.get(name),
            share(values[name], equity) if filled and name in values else None,
        )
        for name, target in names
    )  # fmt: skip
