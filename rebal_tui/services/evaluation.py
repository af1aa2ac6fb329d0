"""Evaluating subscriptions: one account for the screens, all of them for the scheduler (R-10 to R-18, R-27)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rebal_tui.domain.decisions import Decision, Outcome
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, Subscription
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Run, RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.drift import Valuation, value_account
from rebal_tui.engine.evaluation import Situation, cash_to_keep, evaluate
from rebal_tui.services.book import Book
from rebal_tui.services.pass_records import asking, keep_pass
from rebal_tui.services.queueing import cancel_queued
from rebal_tui.services.whole_book import DecidedBook, band_uses, decide_book
from rebal_tui.store import decisions, jobs, meta, portfolios, runs


@dataclass(frozen=True, slots=True)
class Pass:
    """One evaluation of the whole book: how many subscriptions had each outcome, the runs made, and portfolios that now
    need adjustment. `decisions` is empty unless they were asked for."""

    at: datetime
    counts: dict[Outcome, int]
    decisions: tuple[Decision, ...]
    runs: tuple[Run, ...]
    needs_adjustment: tuple[Portfolio, ...]

    @property
    def evaluated(self) -> int:
        """How many subscriptions were evaluated."""
        return sum(self.counts.values())


def situation(book: Book, account_id: str, *, ignore_window: bool = False) -> Situation:
    """Everything the evaluation of a subscribed account looks at, now. Raises `Conflict` without a subscription."""
    account = book.account(account_id)
    subscription = book.subscriptions.get(account_id)
    if subscription is None:
        raise Conflict(f"account {account.account_number} is not subscribed to a portfolio")
    return _situation(book, subscription, book.now(), ignore_window)


def _situation(book: Book, subscription: Subscription, now: datetime, ignore_window: bool = False) -> Situation:
    account_id = subscription.account_id
    portfolio = book.portfolios[subscription.portfolio_id]
    open_run = book.open_runs.get(account_id)
    day = new_york_day(now)
    return Situation(
        now=now,
        session=book.calendar.session(day),
        closed_reason=book.calendar.closed_reason(day) or "",
        account=book.accounts[account_id],
        portfolio=portfolio,
        subscription=subscription,
        assets=book.assets,
        reserved=book.reserved(account_id),
        cash_floor=book.cash_floor(account_id, portfolio.weights.cash),
        open_run=open_run.id if open_run else None,
        outside_orders=book.extras[account_id].outside_orders,
        unreconciled=hold.reason if (hold := book.holds.get(account_id)) else "",
        quota_run=book.quota_run(account_id, day.isoformat()),
        price_max_age=book.settings.price_max_age,
        quarterly_months=book.settings.quarterly_months,
        ignore_window=ignore_window,
    )


def evaluate_account(book: Book, account_id: str) -> Decision:
    """The decision that an evaluation would make now. Stores and sends nothing."""
    return evaluate(situation(book, account_id))


def evaluate_book(book: Book, account_ids: Iterable[str] | None = None) -> list[Decision]:
    """The decision for every subscription, or for those of some accounts. Stores and sends nothing."""
    now = book.now()
    wanted = book.subscriptions if account_ids is None else {a: book.subscriptions[a] for a in account_ids}
    return [evaluate(_situation(book, subscription, now)) for subscription in wanted.values()]


def evaluation_pass(book: Book, slot: datetime | None = None, *, explain: bool = True) -> Pass:
    """Evaluate every subscription, store the decisions, make the runs they ask for as QUEUED.

    All decisions are made on the same state before any takes effect, so the order of accounts does not matter. Without
    `explain` no `Decision` is made: the outcomes come from the whole book in arrays, and a trace is made again by
    whoever asks for one.
    """
    now = book.now()
    made = tuple(evaluate_book(book)) if explain else ()
    decided = decide_book(book)
    counts = decided.counts()
    with book.database.write():
        adjusted = _needs_adjustment(book, decided)
        reviewed = {identity for identity, portfolio in book.portfolios.items() if needs_review(book, portfolio)}
        kept = {row: _kept(book, row) for row in asking(book, decided, reviewed)}
        new_runs = keep_pass(book, decided, reviewed, kept)
        decisions.add_history(book.database, now, band_uses(book))
        detail = {outcome.value: count for outcome, count in counts.items()}
        session = book.calendar.at(now)
        if session is not None:
            text = ", ".join(f"{count} {name}" for name, count in detail.items() if count)
            jobs.record_evaluation(book.database, session.day.isoformat(), slot or now, now, text)
        book.record("evaluation", slot.isoformat() if slot else now.isoformat(), detail)
    if adjusted:
        book.reload_portfolios()
        book.reload_runs()
    book.system_runs.update({run.account_id: (run.session, run.id) for run in new_runs})
    book.note_runs(new_runs)
    return Pass(now, counts, made, tuple(new_runs), tuple(adjusted))


def _kept(book: Book, row: int) -> Money:
    """The cash that invest_cash leaves in the account of a row."""
    return cash_to_keep(situation(book, book.account_table.ids[row]))


def mark_needs_adjustment(book: Book, portfolio_id: str, culprits: Sequence[str]) -> Portfolio | None:
    """Set a portfolio aside because of ineligible assets, cancel its QUEUED runs and raise an alert (R-12.6, R-26).

    None when it was not active any more. Must be called inside `database.write()`.
    """
    portfolio = portfolios.load(book.database)[portfolio_id]
    if portfolio.status is not PortfolioStatus.ACTIVE:
        return None
    now = book.now()
    changed = replace(portfolio, status=PortfolioStatus.NEEDS_ADJUSTMENT, updated_at=now)
    portfolios.save(book.database, changed)
    names = ", ".join(culprits)
    book.record("portfolio.needs_adjustment", portfolio_id, {"assets": list(culprits)})
    text = f"{portfolio.name} needs adjustment: {names} cannot be held"
    jobs.raise_alert(book.database, now, "needs_adjustment", portfolio_id, text)
    waiting = [
        run
        for run in runs.open_runs(book.database)
        if run.portfolio_id == portfolio_id and run.status is RunStatus.QUEUED
    ]
    cancel_queued(book, waiting, f"portfolio {portfolio.name} needs adjustment: {names}")
    return changed


def needs_review(book: Book, portfolio: Portfolio) -> bool:
    """Whether a system run waits for an advisor (R-27)."""
    return book.settings.review or portfolio.review or meta.get(book.database, "review") == "1"


def _needs_adjustment(book: Book, decided: DecidedBook) -> list[Portfolio]:
    """Set aside every portfolio that stopped an account by an ineligible asset."""
    changed = []
    for identity in decided.stopped_by_assets():
        known = ((symbol, book.assets.get(symbol)) for symbol in book.portfolios[identity].weights.symbols)
        culprits = [symbol for symbol, asset in known if asset is None or not asset.eligible]
        changed.append(mark_needs_adjustment(book, identity, culprits))
    return [portfolio for portfolio in changed if portfolio]


def value_of(book: Book, account_id: str) -> Valuation:
    """What an account is worth at the current prices."""
    account = book.accounts[account_id]
    prices = {
        p.symbol: price
        for p in account.positions
        if (asset := book.assets.get(p.symbol)) is not None and (price := asset.price) is not None
    }
    return value_account(account.cash, {p.symbol: p.qty for p in account.positions}, prices)
