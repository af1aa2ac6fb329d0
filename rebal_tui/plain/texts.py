"""Status, exceptions, accounts, runs and plans as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rebal_tui.domain.decisions import Check, Decision, Plan, PlanLine
from rebal_tui.domain.errors import Halt
from rebal_tui.domain.orders import SkippedOrder
from rebal_tui.domain.quantities import Money, nearest_cents, value_cents
from rebal_tui.domain.text import count_text, fold
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.plain.speech import dollars, label, now_text, percent, points, sentence, spoken, when, withdrawable
from rebal_tui.services.view_models.account_page import AccountPageView
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.services.view_models.check_names import check_name, verdict_word
from rebal_tui.services.view_models.desk import AccountView, DeskRow, DeskSnapshot, HoldingView, PreviewView
from rebal_tui.services.view_models.exceptions import ExceptionView
from rebal_tui.services.view_models.executed import executed_amounts
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.services.view_models.plan_figures import line_amount, line_value
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.services.view_models.runs import RunRow, RunView
from rebal_tui.services.view_models.standing import LABELS, STATUS_THEN, Tile, first_trade_label, what_ends_it
from rebal_tui.services.view_models.status import StatusLine
from rebal_tui.tui import formats
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.exceptions.lines import kind_name
from rebal_tui.tui.screens.shared.account_lines import cash_lines, managed_text
from rebal_tui.tui.screens.shared.plan_lines import skip_reason
from rebal_tui.tui.screens.shared.run_lines import ordered_amount, origin_text

LATEST = 5
"""Entries of each history that an account's text has."""
COUNTED = {
    Tile.NEEDS_YOU: "Accounts that need you",
    Tile.WILL_TRADE: "Accounts that will trade",
    Tile.WAITS: "Accounts that wait",
    Tile.IN_RANGE: "Accounts in range",
    Tile.OUTSIDE: "Accounts outside a band",
    Tile.NEAR: "Accounts near a band",
}
STOPPED = {
    Halt.VIEWING: "read-only, another program writes to it or it cannot be written",
    Halt.TAKEN_OVER: "read-only, another program has taken it over",
    Halt.DISK_FULL: "read-only, the disk is full",
    Halt.IO_ERROR: "read-only, the disk fails",
    Halt.DAMAGED: "read-only, the file is damaged",
    Halt.FILE_GONE: "read-only, the file is gone",
    Halt.OVERWRITTEN: "read-only, the file was overwritten",
}


def status_text(desk: DeskSnapshot, trouble: str) -> Iterator[str]:
    """The state of the book, the firm and the accounts.

    `trouble` is the reason why the book is not updated, empty while it is updated.
    """
    status, firm = desk.status, desk.firm
    yield label("Book", status.book)
    yield label("Mode", _mode(status.mode))
    yield label("Time", now_text(status.now))
    yield label("Session", status.session.replace("OPEN", "open").replace("CLOSED", "closed"))
    if status.next_evaluation is not None:
        yield label("Next evaluation", when(status.next_evaluation))
    if trouble:
        yield label("Not updated", trouble)
    if status.read_only:
        yield label("Writing", STOPPED.get(status.stopped or Halt.VIEWING, STOPPED[Halt.VIEWING]))
    yield label("Kill switch", "on, no new order is sent" if status.halted else "off")
    yield label("Exceptions", f"{status.exceptions:,}")
    yield label("Alerts", f"{status.alerts:,}")
    yield label("Runs that await review", f"{status.awaiting:,}")
    yield from _activity(status)
    counts = dict(desk.tiles)
    yield label("Subscribed accounts", f"{len(desk.rows):,}")
    for tile, name in COUNTED.items():
        yield label(name, f"{counts.get(tile, 0):,}")
    if firm is not None:
        yield label("Assets under management", f"${formats.dollars(firm.equity)}")
        yield label("Cash", dollars(firm.cash))
        if firm.traded_today is not None:
            yield label("Traded today", dollars(firm.traded_today))


def _mode(mode: str) -> str:
    """The mode in small letters, LIVE in capitals."""
    return mode if mode.startswith(("LIVE", "SIMULATED")) else mode.lower()


def _activity(status: StatusLine) -> Iterator[str]:
    if status.work is not None:
        yield label(status.work.what, f"{status.work.done:,} of {status.work.total:,}")
    if status.pacing is not None:
        yield label("Orders being sent", f"{status.pacing.sent:,} of {status.pacing.total:,}")
    if status.connection is not None:
        down = status.connection.down
        yield label("Connection to the broker", f"without {', '.join(down)}" if down else "up")


def exception_text(number: int, row: ExceptionView | AlertView, *, whole: bool = False) -> Iterator[str]:
    """An exception or alert, with `number`, its number in the list; `whole` adds what it stops and what to do."""
    if isinstance(row, AlertView):
        yield f"{number}. Alert, {formats.words(row.kind)}: {sentence(row.text)}"
        if whole:
            yield label("Since", when(row.at))
            yield label("Subject", row.subject)
        return
    yield f"{number}. {kind_name(row).capitalize()}: {sentence(row.text)}"
    if whole:
        yield label("Since", when(row.since))
        yield label("Blocks", row.blocks)
        yield label("To do", row.remedy)
        if row.accounts:
            yield label("Concerns", count_text(row.accounts, "account"))


def account_line(number: int, row: AccountRow) -> str:
    """One line on an account in a list."""
    state = row.exception or row.state
    follows = f"portfolio {row.portfolio}" if row.portfolio else "no portfolio"
    return (
        f"{number}. {spoken(row.client)}, account {row.account_number}: {sentence(state)} "
        f"Equity {dollars(row.equity)}, cash {dollars(row.cash)}, {spoken(follows)}."
    )


def desk_line(number: int, row: DeskRow) -> str:
    """One line on a subscribed account in a list, with its worst drift."""
    used = f", {spoken(formats.band_percent(row.band_used))} of its band" if row.band_used is not None else ""
    return (
        f"{number}. {spoken(row.client)}, account {row.account_number}: {LABELS[row.status].lower()}. "
        f"{sentence(row.state)} {spoken(row.worst)} is {points(row.drift_bp)}{used}. "
        f"Equity {dollars(row.equity)}, cash {dollars(row.cash)}, portfolio {spoken(row.portfolio)}."
    )


def account_text(page: AccountPageView) -> Iterator[str]:
    """An account: figures, holdings, why it trades or not, and its latest runs and cash movements."""
    view, detail = page.view, page.detail
    yield label("Client", view.client)
    yield label("Account", f"{view.account_number}, {detail.row.status}")
    yield label("Portfolio", view.portfolio or "no portfolio")
    if view.conditions:
        yield label("Conditions", view.conditions)
    yield label("Equity", dollars(view.equity))
    yield label("Cash", dollars(view.cash))
    if view.portfolio_id is not None:
        yield label("Cash target", dollars(view.cash_target))
    if view.cash_kept is not None:
        yield label(
            "Runs that invest cash keep", f"{dollars(view.cash_kept)}, the larger cash target of the last completed run"
        )
    yield label("Withdrawable", withdrawable(view.withdrawable))
    if view.unsettled:
        yield label("Unsettled cash", dollars(view.unsettled))
    if detail.row.reserve:
        yield label("Reserved cash", dollars(detail.row.reserve))
    for restriction in view.restrictions:
        yield label("Blocked", restriction)
    yield from why_text(view)
    yield from holdings_text(view)
    yield f"Runs, latest {LATEST} of {len(detail.runs):,}." if detail.runs else "No run yet."
    for run in detail.runs[:LATEST]:
        yield label(
            f"Run {formats.short_id(run.id)}",
            f"{when(run.created_at)}, {formats.words(run.type)}, {formats.words(run.status)}, {run_amount(run)}",
        )
    yield f"Cash movements, latest {LATEST} of {len(detail.ledger):,}." if detail.ledger else "No cash movements."
    for entry in detail.ledger[:LATEST]:
        settled = "settled" if entry.settled else f"settles {entry.settles_on}"
        yield label(when(entry.at), f"{formats.words(entry.kind)} {dollars(nearest_cents(entry.amount))}, {settled}")


def holdings_text(view: AccountView) -> Iterator[str]:
    """The holdings of an account, each with target, weight and drift."""
    base = "equity" if view.managed is None else "managed equity"
    yield f"Holdings, {count_text(len(view.holdings), 'asset')}, in percent of {base}."
    if view.managed is not None:
        yield f"{managed_text(view)}."
    for holding in (*view.holdings, *cash_lines(view)):
        yield label(holding.symbol, _holding(holding))


def _holding(holding: HoldingView) -> str:
    target, goal, off = holding.target, holding.goal_bp, holding.off_target_bp
    reach = f" within reach, for a weight of {percent(target)}" if target is not None and target != goal else ""
    parts = ["no target" if goal is None else f"target {percent(goal)}{reach}"]
    if not holding.unmanaged:
        parts += [f"actual {percent(holding.actual_bp)}", *(() if off is None else (points(off),))]
    low, high = holding.band_low, holding.band_high
    if low is not None and high is not None:
        inside = low <= holding.actual_bp <= high
        parts.append(f"{'inside' if inside else 'outside'} its band of {percent(low)} to {percent(high)}")
    parts.append(f"value {dollars(holding.value)}")
    if holding.held:
        parts.append(f"barred by a restriction, {holding.held}")
    if holding.price_note:
        parts.append(holding.price_note)
    return ", ".join(parts)


def why_text(view: AccountView, *, whole: bool = False) -> Iterator[str]:
    """Why an account trades or not now, and what happens next; `whole` adds every check."""
    decision = view.decision_now
    if decision is None:
        yield "This account is not subscribed."
    else:
        yield from decision_text(decision, whole=whole)
    if view.next_step:
        yield label("Next", view.next_step)


def decision_text(decision: Decision, *, whole: bool, then: bool = False) -> Iterator[str]:
    """A decision: its status in a sentence and the first possible rebalance.

    With `whole` all its checks follow, otherwise their number. With `then`, it is a decision of the past, so the texts
    do not speak of now.
    """
    status = decision.status
    if status is None:
        yield label("Outcome", formats.words(decision.outcome))
    else:
        yield label(STATUS_THEN if then else "Status", status.sentence)
        if status.first_trade_at is not None and status.kind is not StatusKind.WILL_TRADE:
            note = f", {status.note}" if status.note else ""
            yield label(first_trade_label(status), f"{when(status.first_trade_at)}{note}")
        elif status.kind in (StatusKind.NEEDS_YOU, StatusKind.WAITS):
            until = what_ends_it(status)
            yield label("First possible rebalance", f"unknown{f' until {until}' if until else ''}")
    if fold(decision.reason) not in fold(status.sentence if status else ""):
        yield label("Reason", decision.reason)
    if whole:
        yield from (_check(check) for check in decision.trace)
    else:
        yield label("Checks", f"{len(decision.trace)}; the command why has each of them")


def _check(check: Check) -> str:
    name = check_name(check.check).capitalize()
    return label(name, f"{verdict_word(check.check, check.verdict)}. {sentence(check.detail)}")


def plan_text(plan: Plan) -> Iterator[str]:
    """Every line of a plan with its reason."""
    yield f"Plan, {count_text(len(plan.lines), 'line')}."
    for line in plan.lines:
        yield label(line.symbol, _plan_line(line))


def _plan_line(line: PlanLine) -> str:
    why = line.detail or formats.words(line.reason)
    if line.side is None:
        return f"no order, target {percent(line.target)}. {sentence(why)}"
    shares = f"{formats.qty(line.qty)} shares, " if line.qty is not None else ""
    amount = dollars(line_amount(line))
    worth = dollars(line_value(line))
    return f"{line.side} {shares}{amount}, target {percent(line.target)}, value now {worth}. {sentence(why)}"


def preview_text(view: PreviewView) -> Iterator[str]:
    """What a run would do to an account."""
    plan = view.plan
    yield f"Preview of a {formats.words(plan.type)} of {spoken(view.client)} at {formats.clock(view.at)} in New York."
    yield sentence(view.why)
    yield label("Sells", str(len(plan.sells)))
    yield label("Buys", str(len(plan.buys)))
    yield label("Turnover", dollars(view.turnover))
    yield label("Cash", f"{dollars(view.cash)} before, {dollars(view.cash_after)} after")
    yield from plan_text(plan)
    after = dict(view.after)
    for symbol, share in view.before:
        yield label(f"Weight of {symbol}", f"{percent(share)} before, {percent(after.get(symbol, 0))} after")
    for skipped in plan.skipped_orders:
        amount = f"{dollars(skipped.notional)}, " if skipped.notional is not None else ""
        yield label(f"Not sent, {skipped.symbol}", f"{amount}{_skipped(skipped)}")


def _skipped(skipped: SkippedOrder) -> str:
    """Why an order is skipped."""
    return ". ".join(filter(None, (skip_reason(skipped), sentence(skipped.reason_details))))


def run_line(number: int, row: RunRow) -> str:
    """One line on a run in a list."""
    review = ", awaits review" if row.awaiting_approval else ""
    return (
        f"{number}. Run {formats.short_id(row.id)}, {when(row.created_at)}: {formats.words(row.type)} of "
        f"{spoken(row.client)}, {formats.words(row.status)}{review}, {row.done:,} of "
        f"{count_text(row.total, 'order')} done, {run_amount(row)}."
    )


def run_amount(row: RunRow) -> str:
    """The dollars of a run's fills as text; while nothing is filled, those of its orders."""
    return f"{dollars(row.ordered)} ordered" if row.ordered and not row.amount else dollars(row.amount)


def run_text(view: RunView) -> Iterator[str]:
    """A run: state, orders, weights, timeline, decision and plan."""
    run = view.run
    yield label("Run", run.id)
    yield label("Client", f"{view.client}, account {view.account_number}")
    yield label("Portfolio", view.portfolio)
    yield label("Type", f"{formats.words(run.type)}, {origin_text(run.initiated_from)}")
    yield label("Status", formats.words(run.status))
    if run.cancel_requested and not run.status.final:
        yield "The run is being canceled."
    if run.approval != "not_needed":
        yield label("Review", formats.words(run.approval))
    if run.amount is not None:
        yield label("Amount", dollars(run.amount))
    if view.raised:
        yield view.raised
    if run.reason:
        yield label("Reason", run.reason)
    yield from _orders(view)
    for order in view.failed_orders:
        why = order.reject_reason or "no reason given"
        yield label(f"Failed, {order.symbol}", f"{order.side}, {formats.words(order.status)}, {why}")
    for skipped in view.skipped_orders:
        yield label(f"Skipped, {skipped.symbol}", _skipped(skipped))
    for row in view.weights:
        yield label(
            f"Weight of {row.symbol}",
            f"target {percent(row.target)}, before {percent(row.before)}, planned {percent(row.planned)}, "
            f"after {percent(row.after)}",
        )
    yield "Timeline."
    for event in view.timeline:
        detail = f". {sentence(event.detail)}" if event.detail else ""
        yield label(formats.timestamp(event.at), f"{formats.words(event.what)}{detail}")
    if view.decision is not None:
        yield f"Decided at {formats.timestamp(view.decision.at)}."
        yield from decision_text(view.decision, whole=True, then=True)
    if view.plan is not None:
        yield from plan_text(view.plan)


def _orders(view: RunView) -> Iterator[str]:
    if not view.orders:
        yield "No order has been sent."
        return
    amounts = executed_amounts(view.fills)
    yield f"Orders, {len(view.orders):,}."
    for order in view.orders:
        filled = amounts.get(order.client_order_id, Money(0))
        parts = [str(order.side), view.list_text(order) or formats.words(order.status)]
        if filled:
            parts.append(f"filled {dollars(filled)}, {formats.qty(order.filled_qty)} shares")
            parts.append(f"average price {formats.price(order.filled_avg_price)}")
        else:
            planned = ordered_amount(view, order)
            parts += [] if order.qty is None else [f"ordered {formats.qty(order.qty)} shares"]
            parts += [] if planned is None else [dollars(planned)]
        yield label(order.symbol, ", ".join(parts))


def portfolio_line(number: int, row: PortfolioRow) -> str:
    """One line on a portfolio in a list."""
    total = dollars(value_cents(row.assets_under_model))
    barred = f", to replace: {spoken(', '.join(row.barred))}" if row.barred else ""
    return (
        f"{number}. {spoken(row.name)}, {formats.words(row.status)}{barred}: {count_text(row.subscribers, 'account')}, "
        f"{total}. {sentence(row.conditions_text)}"
    )


def question_text(question: Question, limit: int) -> Iterator[str]:
    """What a confirmation asks: its text, what will happen, and at most `limit` of the accounts or runs it concerns."""
    yield spoken(question.title)
    for line in question.text.split("\n"):
        yield sentence(line)
    for effect in question.effects:
        yield label(spoken(effect.text), effect.amount) if effect.amount else sentence(effect.text)
    for item in question.items[:limit]:
        yield label(spoken(item.name), ", ".join(filter(None, (item.text, item.amount))))
    if len(question.items) > limit:
        yield f"And {len(question.items) - limit:,} more."


def weights_text(rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Weights of a portfolio; a row is the name of an asset or of cash, and hundredths of a percent."""
    for symbol, share in rows:
        yield label(symbol, percent(share))
