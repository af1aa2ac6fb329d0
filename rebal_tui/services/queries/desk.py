"""Data of the Desk screen: every subscribed account at current prices, and one account in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from rebal_tui.domain.decisions import Decision, Outcome, Plan, Reachable
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import BandType, DriftBand, Portfolio
from rebal_tui.domain.quantities import (
    HUNDRED_PERCENT,
    NANO,
    Money,
    Percent,
    Qty,
    Value,
    floor_money,
    market_value,
    nearest_cents,
    value_cents,
)
from rebal_tui.domain.runs import Approval, RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import next_time_text, weekday_time_text
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.engine import trace_text
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.sweep import NEAR_PERMILLE, Sweep, sweep
from rebal_tui.engine.drift import AssetDrift, Valuation, asset_drifts, largest_usage, value_account
from rebal_tui.engine.evaluation import deciding_check, evaluate
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.engine.shares import planned_shares, share
from rebal_tui.services.advisory.cash import transferable
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account, situation, value_of
from rebal_tui.services.evaluation.history import latest_decisions
from rebal_tui.services.evaluation.planning import holdings, plan_run
from rebal_tui.services.evaluation.review_rule import reviews_every_run
from rebal_tui.services.evaluation.whole_book import book_day_context
from rebal_tui.services.queries.desk_rows import DeskRows
from rebal_tui.services.queries.firm import firm_view
from rebal_tui.services.queries.restrictions import overridable
from rebal_tui.services.queries.run_stops import account_stops
from rebal_tui.services.queries.status import status_line
from rebal_tui.services.queries.status_columns import list_text, run_state, status_columns, stopped_by
from rebal_tui.services.runs.manual import check_run
from rebal_tui.services.schedule.scheduler import evaluations_paused, next_evaluation
from rebal_tui.services.view_models.desk import (
    AccountView,
    DeskRow,
    DeskSnapshot,
    DriftPoint,
    HoldingView,
    PreviewView,
)
from rebal_tui.services.view_models.plan_figures import plan_figures
from rebal_tui.services.view_models.runs import FOR_A_LIST
from rebal_tui.services.view_models.shown_rows import ShownRows
from rebal_tui.services.view_models.standing import what_ends_it
from rebal_tui.store import drift_history, past_rows
from rebal_tui.store.cash import open_withdrawal

_TYPES = {Outcome.FULL_REBALANCE, Outcome.INVEST_CASH}


def desk_snapshot(book: Book, seen: DeskSnapshot | None = None, shown: ShownRows | None = None) -> DeskSnapshot:
    """Every subscribed account at current prices; the rows of `seen`, the last snapshot, are reused if unchanged.

    `shown` is how the screen shows the previous rows; new rows are filtered, sorted and built for it (see
    `LazyRows.prepare`).
    """
    frame = book.frame()
    today = book_day_context(book, frame)
    upcoming = next_evaluation(book)
    when = next_time_text(upcoming, book.now()) if upcoming else ""
    stale = int((~today.fresh).sum()) if today.open_market else 0
    stamp = (
        book.version, book.account_table.version, book.subscription_table.version, when, today.day, today.open_market,
        stale,
    )  # fmt: skip
    if seen is not None and seen.stamp == stamp:
        return replace(seen, status=status_line(book))
    swept = sweep(frame, today)
    rows = _rows(book, frame, today, swept)
    if shown is not None:
        rows.prepare(shown)
    firm, reviewed = firm_view(book, frame, swept, when), reviews_every_run(book)
    return DeskSnapshot(book.version, status_line(book), rows.counts(), rows, stamp, firm, reviewed)


def desk_with_account(
    book: Book, seen: DeskSnapshot | None, shown: ShownRows | None, account_id: str | None
) -> tuple[DeskSnapshot, AccountView | None]:
    """The result of `desk_snapshot`, and at the same prices that of `account_view` for the account `account_id`.

    The second is None without an `account_id`, and if the rows are those of `seen`.
    """
    snapshot = desk_snapshot(book, seen, shown)
    if account_id is None or account_id not in book.accounts or (seen is not None and snapshot.stamp == seen.stamp):
        return snapshot, None
    return snapshot, account_view(book, account_id)


def worst_subscribers(book: Book, portfolio_id: str, limit: int) -> Sequence[DeskRow]:
    """At most `limit` subscribers of a portfolio, in descending order of band usage.

    Without a drift band, the order is that of the largest drift. Raises `NotFound`.
    """
    book.portfolio(portfolio_id)
    frame = book.frame()
    today = book_day_context(book, frame)
    return _rows(book, frame, today, sweep(frame, today)).worst_of(list(book.portfolios).index(portfolio_id), limit)


def _rows(book: Book, frame: BookFrame, today: DayContext, swept: Sweep) -> DeskRows:
    columns = status_columns(book, frame, today)
    year = date.fromordinal(today.day).year
    return DeskRows(frame, swept, book.subscription_table.order, book.search_index(), columns, year)


def account_view(book: Book, account_id: str) -> AccountView:
    """One account in full, with a fresh evaluation. Raises `NotFound`."""
    account = book.account(account_id)
    subscription = book.subscriptions.get(account_id)
    portfolio = book.portfolios[subscription.portfolio_id] if subscription else None
    start = holdings(book, account_id)
    valuation, booked = _valuation(start), value_of(book, account_id)
    stored = latest_decisions(book.database, account_id)
    now = evaluate_account(book, account_id, stopped_by(book)) if subscription else None
    used = _band_used(valuation, portfolio, now.reachable if now else None)
    equity, reserved = max(0, valuation.equity), book.reserved(account_id)
    kept = book.cash_floor(account_id, portfolio.weights.cash) if portfolio else Money(0)
    by_weight = floor_money(Value(equity * portfolio.weights.cash // HUNDRED_PERCENT)) if portfolio else Money(0)
    return AccountView(
        account_id=account_id,
        account_number=account.account_number,
        client=account.name,
        portfolio_id=portfolio.id if portfolio else None,
        portfolio=portfolio.name if portfolio else "not subscribed",
        equity=value_cents(booked.equity),
        cash=account.cash,
        cash_target=by_weight,
        holdings=_holdings(book, start, valuation, portfolio, now.reachable if now else None),
        conditions=conditions_text(portfolio) if portfolio else "",
        last_decision=stored[0] if stored else None,
        decision_now=now,
        next_step=_next_step(book, now) if now else _without_portfolio(book, account_id),
        history=_history(book, account_id, used),
        withdrawable=transferable(book, account_id),
        unsettled=account.unsettled or None,
        restrictions=(*(text for _, text in blocking_reasons(account, booked)), *book.paused(account_id)),
        near=used is not None and used >= NEAR_PERMILLE,
        cash_kept=kept if kept > by_weight else None,
        cash_line=_cash_line(start.cash, valuation, portfolio, now.reachable if now else None),
        reserved=reserved,
        managed=None if valuation.equity == booked.equity else _managed(booked, valuation, reserved),
    )


def conditions_text(portfolio: Portfolio) -> str:
    """The rebalance conditions as text, e.g. `±5 pp or ±20 % of target · monthly on the 15th · cooldown 7 d`."""
    bands = [trace_text.condition_words(band) for band in portfolio.bands]
    others = [trace_text.condition_words(one) for one in portfolio.conditions if not isinstance(one, DriftBand)]
    parts = [" or ".join(bands), *others] if bands else others
    return " · ".join([*parts, f"cooldown {portfolio.cooldown_days} d"])


def preview(book: Book, account_id: str) -> PreviewView:
    """The run that a subscribed account would get if it were rebalanced now. Nothing is sent.

    It is the run that an evaluation would create if the window were open, or a full_rebalance if it would create none.
    For a run that a drift band asks for, the three destinations are compared (R-62). Raises `Conflict` when the account
    is not subscribed or cannot be valued.
    """
    given = situation(book, account_id, ignore_window=True)
    decision = evaluate(given)
    plan = decision.plan or plan_run(book, account_id, RunType.FULL_REBALANCE, given.portfolio.weights)
    startable = _can_start(book, account_id, plan)
    if decision.plan is not None:
        deciding = deciding_check(decision.trace, decision.outcome)
        by_band = deciding is not None and deciding.check == "drift_band"
        stops = account_stops(book, account_id) if by_band else ()
        why = decision.reason
    else:
        stops = ()
        why = f"{_not_made(book, account_id, decision, startable=startable)} If you rebalanced now:"
    concerned = tuple(overridable(book, account_id, plan).items())
    return replace(preview_of(book, account_id, plan, why), stops=stops, overridable=concerned, startable=startable)


def _can_start(book: Book, account_id: str, plan: Plan) -> bool:
    """Whether a manual run of the type of `plan` would be accepted now (R-24)."""
    try:
        check_run(book, account_id, plan.type)
    except Conflict:
        return False
    return True


def _not_made(book: Book, account_id: str, decision: Decision, *, startable: bool) -> str:
    """Why an evaluation would create no run. What stops automatic runs only, as the quota does, is not called a block,
    as a manual run is `startable`.
    """
    if decision.outcome is not Outcome.BLOCKED:
        return _not_due(book, account_id)
    return f"{'No automatic run now' if startable else 'Blocked'}: {decision.reason}."


def _not_due(book: Book, account_id: str) -> str:
    """Why no rebalance is due, as the account's status gives it: a trigger may wait, or a person may have to act."""
    status = evaluate_account(book, account_id, stopped_by(book)).status
    if status is None or status.kind not in (StatusKind.WAITS, StatusKind.NEEDS_YOU):
        return "No rebalance is due."
    if status.waits_for is WaitsFor.COOLDOWN and status.note:
        return f"{status.sentence} The {status.note}."
    return status.sentence


def preview_of(book: Book, account_id: str, plan: Plan, why: str) -> PreviewView:
    """A plan and its effect on an account, at the prices in the plan; `why` is the reason shown."""
    account = book.account(account_id)
    subscription = book.subscriptions.get(account_id)
    before, after = planned_shares(plan)
    figures = plan_figures(plan)
    return PreviewView(
        account_id=account_id,
        client=account.name,
        portfolio=book.portfolios[subscription.portfolio_id].name if subscription else "no portfolio",
        plan=plan,
        why=why,
        turnover=figures.turnover,
        cash=figures.cash,
        cash_after=figures.cash_after,
        before=tuple(before.items()),
        after=tuple(after.items()),
        at=book.now(),
    )


def _valuation(start: Holdings) -> Valuation:
    return value_account(start.cash, start.managed, start.prices)


def _managed(booked: Valuation, valuation: Valuation, reserved: Money) -> Money:
    """Managed equity as it is printed, in whole cents.

    Where managed equity lacks only reserved cash, it is the printed equity less the printed reserved cash, so that the
    three printed amounts agree.
    """
    if booked.equity - valuation.equity == reserved * NANO:
        return Money(value_cents(booked.equity) - nearest_cents(reserved))
    return value_cents(valuation.equity)


def _holdings(
    book: Book, start: Holdings, valuation: Valuation, portfolio: Portfolio | None, reachable: Reachable | None
) -> tuple[HoldingView, ...]:
    targets = portfolio.weights.symbols if portfolio else ()
    others = sorted(symbol for symbol in start.positions if symbol not in targets)
    unmanaged = {} if reachable is None else dict(reachable.unmanaged)
    lines = {} if reachable is None else {line.symbol: line for line in reachable.lines}
    views = []
    for symbol in (*targets, *others):
        weight = portfolio.weights.of(symbol) if portfolio else Percent(0)
        asset, line, held = book.assets.get(symbol), lines.get(symbol), start.positions.get(symbol, Qty(0))
        value = market_value(held, asset.price) if asset is not None and asset.price is not None else Value(0)
        goal = weight if line is None else Percent(share(line.reachable, 1))
        low, high = _band(portfolio, weight, goal)
        drift = AssetDrift(symbol, weight, value, valuation.equity).points if valuation.equity > 0 else -weight
        actual = weight + drift
        if left_out := symbol in start.rules.unmanaged:
            low, high, drift, actual = None, None, 0, 0
        note = "" if asset and asset.price else "no price"
        if asset and not asset.eligible:
            note = asset.ineligibility
        views.append(
            HoldingView(
                symbol, held, value_cents(value), weight if portfolio else None, actual, drift if portfolio else None,
                low, high, note, None if goal == weight else goal,
                line.detail if line is not None and line.reason else unmanaged.get(symbol, ""), left_out,
            )
        )  # fmt: skip
    return tuple(views)


def _cash_line(
    cash: Money, valuation: Valuation, portfolio: Portfolio | None, reachable: Reachable | None
) -> HoldingView | None:
    """Cash less reservations as a holding without a band."""
    if valuation.equity <= 0:
        return None
    weight = portfolio.weights.cash if portfolio else Percent(0)
    drift = AssetDrift("cash", weight, Value(cash * NANO), valuation.equity).points
    goal = weight if reachable is None else Percent(share(reachable.cash, 1))
    return HoldingView(
        "cash", Qty(0), cash, weight if portfolio else None, weight + drift, drift if portfolio else None,
        None, None, "", None if goal == weight else goal,
    )  # fmt: skip


def _band_used(valuation: Valuation, portfolio: Portfolio | None, reachable: Reachable | None) -> int | None:
    """The largest band usage in tenths of a percent; None when no band applies."""
    if portfolio is None:
        return None
    lines = None if reachable is None else reachable.lines
    values = None if lines is None else {line.symbol: line.reachable * valuation.equity for line in lines}
    usage = largest_usage(asset_drifts(valuation, portfolio.weights, values), portfolio.bands)
    return None if usage is None else usage.permille


def _band(portfolio: Portfolio | None, target: Percent, goal: Percent) -> tuple[int | None, int | None]:
    """The lower and upper bound of the tightest band around `goal`, in hundredths of a percent of equity.

    A relative band has its width from `target`. (None, None) if no band applies.
    """
    widths = []
    for band in portfolio.bands if portfolio else ():
        if band.sub_type is BandType.ABSOLUTE:
            widths.append(int(band.percent))
        elif target > 0:
            widths.append(target * band.percent // HUNDRED_PERCENT)
    if not widths:
        return None, None
    return max(0, goal - min(widths)), goal + min(widths)


def _history(book: Book, account_id: str, used_now: int | None) -> tuple[DriftPoint, ...]:
    """The stored points, and one of now if the band usage (`used_now`) has changed since the last of them."""
    made = [
        run.created_at if run.approval is Approval.NOT_NEEDED else run.started_at
        for run in past_rows.newest(book.database, 40, account_id)
        if run.started_at is not None
    ]
    points = []
    previous = None
    for at, used in drift_history.of_account(book.database, account_id):
        since = previous or at - timedelta(minutes=15)
        points.append(DriftPoint(at, used, any(since < made_at <= at for made_at in made)))
        previous = at
    if points and used_now is not None and used_now != points[-1].band_used:
        points.append(DriftPoint(book.now(), used_now, run=False))
    return tuple(points)


def _words(code: str) -> str:
    return code.replace("_", " ")


def _made(decision: Decision) -> str:
    """What an evaluation does with a decision that makes a run, as the predicate of a sentence."""
    run = f"this {_words(decision.outcome)} run"
    reviewed = decision.status is not None and decision.status.reviewed
    does = f"proposes {run}, which waits for your approval" if reviewed else f"creates {run}"
    deciding = deciding_check(decision.trace, decision.outcome)
    return f"{does}, unless prices move back" if deciding is not None and deciding.check == "drift_band" else does


def _without_portfolio(book: Book, account_id: str) -> str:
    """What happens next to an account that follows no portfolio; during a withdrawal that is soon one again (R-32)."""
    withdrawal = open_withdrawal(book.database, account_id)
    if withdrawal is None:
        return "No automatic runs: the account follows no portfolio."
    again = book.portfolios.get(withdrawal.portfolio_id or "")
    if again is None or withdrawal.everything:
        return "A withdrawal is under way; the account stays unsubscribed."
    return f"A withdrawal is under way; when the cash has left, the account follows {again.name} again."


def _next_step(book: Book, decision: Decision) -> str:
    """What happens next and when, in one sentence."""
    run = book.open_runs.get(decision.account_id)
    if run is not None:
        state = run_state(book, run)
        if state == FOR_A_LIST:
            then = "its trade list is still to be written"
        elif state == list_text(book, run):
            then = "the next positions or fills file ends it"
        else:
            then = "no other run starts before it finishes"
        return f"The {_words(run.type)} run is {state}; {then}."
    upcoming = next_evaluation(book)
    if upcoming is None and evaluations_paused(book):
        return "The scheduler is paused; evaluations start again when it is resumed."
    if upcoming is None:
        return "No evaluation is scheduled; accounts are evaluated after an import, or when you ask for it."
    local = upcoming.astimezone(NEW_YORK)
    when = f"{local:%H:%M}" if local.date() == book.today() else weekday_time_text(local)
    if decision.outcome in _TYPES:
        return f"At {when} the evaluation {_made(decision)}."
    if decision.outcome is Outcome.BLOCKED:
        until = what_ends_it(decision.status) if decision.status else ""
        return f"Evaluation at {when}; nothing trades until {until}." if until else f"Evaluation at {when}."
    return f"Evaluation at {when}."
