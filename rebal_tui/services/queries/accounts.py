"""Data of the Accounts screen: every account, those with exceptions first, and one account in full."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import CENT, NANO, Money, Price, Qty, Value, market_value, qty_text, value_cents
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import fold, searchable
from rebal_tui.domain.trade_status import TradeStatus
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import followed_portfolio
from rebal_tui.services.evaluation.account import evaluate_account, value_of
from rebal_tui.services.evaluation.history import latest_decisions
from rebal_tui.services.queries.account_exceptions import note_words, notes_of, portfolio_exception, short_exception
from rebal_tui.services.queries.account_rows import AccountRows
from rebal_tui.services.queries.runs import rows_of
from rebal_tui.services.queries.status_columns import UNSUBSCRIBED_TEXT, WITHDRAWING_TEXT, run_state, stopped_by
from rebal_tui.services.view_models.accounts import (
    OUTSIDE_TRADE,
    AccountDetail,
    AccountRow,
    AccountsSnapshot,
    LedgerEntry,
    PositionView,
)
from rebal_tui.services.view_models.shown_rows import ShownRows
from rebal_tui.services.view_models.standing import short_status
from rebal_tui.store import accounts, past_rows
from rebal_tui.store.cash import open_withdrawal
from rebal_tui.store.codec import parse_client_order_id

NEWEST_RUNS, NEWEST_DECISIONS = 50, 60
"""How many runs and decisions of an account its details have at first."""


def accounts_snapshot(book: Book, seen: int | None = None, shown: ShownRows | None = None) -> AccountsSnapshot | None:
    """Every account, those with exceptions first; None when the book's version is still `seen`.

    `shown` is how the screen shows the previous rows; the new rows are filtered, sorted and built for it (see
    `LazyRows.prepare`).
    """
    if book.version == seen:
        return None
    rows = AccountRows(book)
    if shown is not None:
        rows.prepare(shown)
    return AccountsSnapshot(book.version, rows, rows.counts())


def accounts_with_detail(
    book: Book, seen: int | None, shown: ShownRows | None, account_id: str | None
) -> tuple[AccountsSnapshot, AccountDetail | None] | None:
    """The result of `accounts_snapshot`, and at the same prices that of `account_detail` for the account `account_id`.

    None when the book's version is still `seen`; the second is None without an `account_id` that the book has.
    """
    snapshot = accounts_snapshot(book, seen, shown)
    if snapshot is None:
        return None
    if account_id is None or account_id not in book.accounts:
        return snapshot, None
    return snapshot, account_detail(book, account_id)


def find_account(book: Book, text: str) -> AccountRow:
    """The one account that a text identifies: an id, a number, one of `account_names`, a name that no other account
    has, or words of no other account.

    Names are compared, and words are looked for in name, number and id, ignoring case and accents. Raises `Invalid` for
    the field `account`, with the number of matches, if there is not exactly one.
    """
    words = searchable(text.replace("·", " ")).split()
    if not words:
        raise Invalid([Fault("account", "expected a client, an account number or an id")])
    found = []
    for account in book.accounts.values():
        if text.strip() in (account.id, account.account_number, f"{account.name} · {account.account_number}"):
            return account_row(book, account.id)
        name = searchable(f"{account.name} {account.account_number} {account.id}")
        if all(word in name for word in words):
            found.append(account)
    named_so = [account for account in found if searchable(account.name).split() == words]
    for some in (found, named_so):
        if len(some) == 1:
            return account_row(book, some[0].id)
    if not found:
        raise Invalid([Fault("account", "no account has that name, number or id")])
    few = sorted(found, key=lambda account: (fold(account.name), account.account_number))[:3]
    distinct = len({account.name for account in few}) == len(few)
    names = [account.name if distinct else f"{account.name} · {account.account_number}" for account in few]
    named = ", ".join(f"“{name}”" for name in names)
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    raise Invalid([Fault("account", f"{len(found)} accounts: {named}{more}; type more of it")])


def is_empty(book: Book) -> bool:
    """Whether the book has neither accounts nor portfolios."""
    return not len(book.account_table) and not book.portfolios


def has_accounts(book: Book) -> bool:
    """Whether the book has an account."""
    return bool(len(book.account_table))


def account_names(book: Book) -> tuple[str, ...]:
    """Every account as a text that `find_account` accepts, sorted by client."""
    texts = book.search_index()
    order = np.lexsort((texts.by_number, texts.by_name)).tolist()
    return tuple(f"{texts.names[row]} · {texts.numbers[row]}" for row in order)


def trade_status_of(book: Book, account_id: str) -> TradeStatus | None:
    """The current status of an account, with its first possible trade; None without a subscription."""
    return evaluate_account(book, account_id, stopped_by(book)).status if account_id in book.subscriptions else None


def account_row(book: Book, account_id: str) -> AccountRow:
    """One account as a row of the Accounts screen. Raises `NotFound`."""
    return _row(book, account_id, trade_status_of(book, account_id))


def _row(book: Book, account_id: str, trade: TradeStatus | None) -> AccountRow:
    account = book.account(account_id)
    subscription = book.subscriptions.get(account_id)
    portfolio = book.portfolios[subscription.portfolio_id] if subscription else None
    valuation = value_of(book, account_id)
    stopped = blocking_reasons(account, valuation)
    waiting = book.paused(account_id)
    reported = [*(text for _, text in stopped), *waiting]
    barred = None
    if not reported and portfolio is not None and (text := portfolio_exception(book, portfolio)):
        reported, barred = [text], portfolio
    notes = notes_of(book, account_id)
    short = short_exception(stopped, notes, paused=bool(waiting), portfolio=barred)
    exception = "; ".join([*reported, *note_words(notes)])
    run = book.open_runs.get(account_id)
    extras = book.extras[account_id]
    return AccountRow(
        account_id=account_id,
        account_number=account.account_number,
        client=account.name,
        status=account.status.value,
        restrictions=tuple(sorted(account.restrictions)),
        equity=value_cents(valuation.equity),
        cash=account.cash,
        withdrawable=Money(max(0, account.settled_cash - (extras.reserve - extras.run_reserve))),
        reserve=extras.reserve,
        portfolio_id=portfolio.id if portfolio else None,
        portfolio=portfolio.name if portfolio else "",
        trade=trade.kind if trade else None,
        state=short or _state(book, account_id, trade),
        exception=exception,
        open_run=run.id if run and run.status in (RunStatus.QUEUED, RunStatus.IN_PROGRESS) else None,
        in_review=run is not None and run.awaits_approval,
    )


def _state(book: Book, account_id: str, trade: TradeStatus | None) -> str:
    run = book.open_runs.get(account_id)
    if run is not None:
        return run_state(book, run)
    if trade is None:
        return UNSUBSCRIBED_TEXT if open_withdrawal(book.database, account_id) is None else WITHDRAWING_TEXT
    return short_status(
        trade.kind, trade.waits_for, trade.first_trade_at, book.now(),
        traded=book.quota_run(account_id, book.today().isoformat()) is not None,
        banded=bool(followed_portfolio(book, account_id).bands),
        reviewed=trade.reviewed,
    )  # fmt: skip


def account_detail(book: Book, account_id: str, times: int = 1) -> AccountDetail:
    """One account with its positions, its cash movements and fills, its newest runs and decisions.

    There are at most `times` × `NEWEST_RUNS` runs and `times` × `NEWEST_DECISIONS` decisions. Raises `NotFound`.
    """
    account = book.account(account_id)
    most_runs, most_decisions = NEWEST_RUNS * times, NEWEST_DECISIONS * times
    runs = past_rows.newest(book.database, most_runs + 1, account_id)
    decisions = latest_decisions(book.database, account_id, most_decisions + 1)
    older = {"runs": len(runs) > most_runs, "decisions": len(decisions) > most_decisions}
    subscription = book.subscriptions.get(account_id)
    last = subscription.last_rebalanced_at if subscription else None
    trade = trade_status_of(book, account_id)
    return AccountDetail(
        row=_row(book, account_id, trade),
        positions=tuple(_position(book, p.symbol, p.qty, p.avg_entry_price) for p in account.positions),
        ledger=tuple(_ledger(book, account_id)),
        runs=rows_of(book, runs[:most_runs]),
        decisions=tuple(decisions[:most_decisions]),
        created_at=account.created_at,
        last_rebalanced=new_york_day(last) if last else None,
        year=book.today().year,
        unsettled=account.unsettled,
        subscription_id=subscription.id if subscription else None,
        sentence=trade.sentence if trade else "",
        more=frozenset(kind for kind, is_older in older.items() if is_older),
    )


def _position(book: Book, symbol: str, qty: Qty, entry: Price | None) -> PositionView:
    asset = book.assets.get(symbol)
    price = asset.price if asset else None
    value = market_value(qty, price) if price is not None else Value(0)
    gain = None
    if price is not None and entry is not None:
        # To the nearest cent: the average entry price is rounded itself.
        gain = Money(round(Fraction(value - market_value(qty, entry), NANO * CENT)) * CENT)
    return PositionView(symbol, asset.name if asset else "", qty, price, value_cents(value), entry, gain)


def _ledger(book: Book, account_id: str) -> list[LedgerEntry]:
    """Cash movements and fills together, newest first."""
    today = book.today().isoformat()
    entries = [
        LedgerEntry(e.at, e.kind.value, e.amount, e.settles_on, e.settles_on <= today, e.reference)
        for e in accounts.cash_entries(book.database, account_id)
    ]
    for fill in past_rows.fills_of_account(book.database, account_id):
        sells = fill.side == "sell"
        kind = CashKind.SELL if sells else CashKind.BUY
        settled = fill.settles_on <= today
        text = f"{qty_text(fill.qty)} {fill.symbol}"
        if parse_client_order_id(fill.client_order_id) is None:
            text += f", {OUTSIDE_TRADE}"
        amount = Money(fill.amount if sells else -fill.amount)
        entries.append(LedgerEntry(fill.at, kind.value, amount, fill.settles_on, settled, text))
    return sorted(entries, key=lambda entry: entry.at, reverse=True)
