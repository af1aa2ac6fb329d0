"""The exceptions of a book: what needs a person although no condition fires (R-58).

Their order is stable: by kind, then by the age of the account, portfolio or run in the book, then by asset. An integer
key of each exception, computed from the book's arrays, sorts them; a view is built only for an exception that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.domain.quantities import Money, money_text, price_text
from rebal_tui.domain.quarantine import Quarantined, QuarantineKind
from rebal_tui.engine.drift import value_account
from rebal_tui.engine.restrictions import blocking_reasons, exceeds_position_ratio
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.ineligible_assets import ALERT as INELIGIBLE_ALERT
from rebal_tui.services.book.ineligible_assets import eligible_again, fault_texts, ineligible_assets
from rebal_tui.services.book.quarantine import alert_text
from rebal_tui.services.broker_sync.events import ENDED_ALERT
from rebal_tui.services.queries import totals
from rebal_tui.services.queries.account_exceptions import account_exceptions
from rebal_tui.services.queries.block_changes import block_changes
from rebal_tui.services.queries.status_columns import SHORT_TEXTS
from rebal_tui.services.view_models.exceptions import ExceptionCounts, ExceptionKind, ExceptionPage, ExceptionView
from rebal_tui.store import accounts, audit, decision_contexts, decisions, jobs, past_rows
from rebal_tui.store.account_table import STATUSES
from rebal_tui.store.id_keys import keys

Ints = NDArray[np.int64]

KINDS = tuple(ExceptionKind)
_SUBJECT_BITS, _ASSET_BITS = 33, 24
_KIND_SHIFT = _SUBJECT_BITS + _ASSET_BITS
_ACTIVE = STATUSES.index(AccountStatus.ACTIVE)
_OF_ACCOUNTS = frozenset(
    {
        ExceptionKind.UNEXPLAINED_DIFFERENCE, ExceptionKind.CASH_BELOW_ZERO, ExceptionKind.HOLDING_WITHOUT_PRICE,
        ExceptionKind.ACCOUNT_NOT_ACTIVE, ExceptionKind.ACCOUNT_RESTRICTED, ExceptionKind.CANNOT_BE_CORRECTED,
        ExceptionKind.UNFINISHED, ExceptionKind.RESTRICTIONS_CONFLICT,
    }
)  # fmt: skip
"""The kinds whose subject is an account."""


class Exceptions:
    """All exceptions of a book at one time."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._found = account_exceptions(book, book.frame())
        self._runs = jobs.failed_runs(book.database)
        self._rules = {
            kind: {one.account_id: one for one in some}
            for kind, some in (
                (ExceptionKind.CANNOT_BE_CORRECTED, self._found.uncorrectable),
                (ExceptionKind.UNFINISHED, self._found.unfinished),
                (ExceptionKind.RESTRICTIONS_CONFLICT, self._found.conflicting),
            )
        }
        self._keys = np.sort(np.concatenate([_keyed(kind, *self._subjects(kind)) for kind in KINDS]))

    def counts(self) -> ExceptionCounts:
        """The number of exceptions by kind, in the order of the list; kinds without an exception are left out."""
        numbers = np.bincount(self._keys >> _KIND_SHIFT, minlength=len(KINDS)).tolist()
        return {kind: count for kind, count in zip(KINDS, numbers, strict=True) if count}

    def page(
        self, limit: int, *, after: int | None = None, kind: ExceptionKind | None = None, account_id: str | None = None
    ) -> ExceptionPage:
        """At most `limit` exceptions, of one kind or account if given, in the order of the list.

        `after` is the integer key of the last exception of the previous page. The exceptions of an account include its
        failed runs and its quarantine entries.
        """
        wanted = self._keys if after is None else self._keys[np.searchsorted(self._keys, after, "right") :]
        if kind is not None:
            wanted = wanted[wanted >> _KIND_SHIFT == KINDS.index(kind)]
        if account_id is not None:
            wanted = wanted[self._of_account(wanted, account_id)]
        shown = wanted[:limit].tolist()
        views = tuple(self._view(key) for key in shown)
        return ExceptionPage(views, shown[-1] if len(wanted) > limit else None)

    def _subjects(self, kind: ExceptionKind) -> tuple[Ints, Ints]:
        """By exception of a kind: the key of its account, portfolio, run or quarantine entry, and that of its asset.

        A key is 0 where the kind has no such subject.
        """
        book, table = self._book, self._book.account_table
        if kind is ExceptionKind.ASSET_ON_HOLD:
            assets = [self._asset_keys[symbol] for symbol in book.asset_holds]
            return np.zeros(len(assets), np.int64), np.array(assets, np.int64)
        if kind is ExceptionKind.HOLDING_WITHOUT_PRICE:
            rows, indexes = self._found.unpriced
            symbols = book.frame().assets.symbols
            return table.keys[rows], np.array([self._asset_keys[symbols[one]] for one in indexes.tolist()], np.int64)
        if kind is ExceptionKind.QUARANTINED:
            return _alone(list(self._book.quarantine.rows))
        if kind is ExceptionKind.PORTFOLIO_NEEDS_ADJUSTMENT:
            states = {identity: one.status for identity, one in book.portfolios.items()}
            found = [k for k, i in self._portfolio_of_key.items() if states[i] is PortfolioStatus.NEEDS_ADJUSTMENT]
            return _alone(found)
        if kind is ExceptionKind.ASSET_INELIGIBLE:
            barred = {identity for identity, one in book.portfolios.items() if _trades_barred(book, one)}
            return _alone([key for key, identity in self._portfolio_of_key.items() if identity in barred])
        if kind is ExceptionKind.RUN_FAILED:
            return _alone(list(self._runs))
        if kind in self._rules:
            return _alone(table.keys[[table.row_of[one] for one in self._rules[kind]]])
        return _alone(table.keys[self._stopped(kind)])

    def _stopped(self, kind: ExceptionKind) -> Ints:
        """The account rows of the exceptions of a kind that follows from the account itself, such as negative cash."""
        book, table = self._book, self._book.account_table
        if kind is ExceptionKind.UNEXPLAINED_DIFFERENCE:
            return np.array([table.row_of[account_id] for account_id in book.holds], np.int64)
        if kind is ExceptionKind.CASH_BELOW_ZERO:
            return np.flatnonzero(table.cash < 0)
        if kind is ExceptionKind.ACCOUNT_NOT_ACTIVE:
            return np.flatnonzero(table.status != _ACTIVE)
        stopped, frame = table.restrictions != 0, book.frame()
        # Only an account that owes cash can hold more than its equity.
        for row in np.flatnonzero((table.cash < 0) & ~stopped).tolist():
            valuation = value_account(Money(int(table.cash[row])), *frame.priced_holdings(row))
            stopped[row] = exceeds_position_ratio(valuation)
        return np.flatnonzero(stopped)

    def _of_account(self, wanted: Ints, account_id: str) -> NDArray[np.bool_]:
        row = self._book.account_table.row_of.get(account_id)
        subject = (wanted >> _ASSET_BITS) & ((1 << _SUBJECT_BITS) - 1)
        own = np.array([kind in _OF_ACCOUNTS for kind in KINDS])[wanted >> _KIND_SHIFT]
        found = own & (subject == (-1 if row is None else int(self._book.account_table.keys[row])))
        apart = self._book.quarantine.rows
        for kind, keys_of_account in (
            (ExceptionKind.RUN_FAILED, [key for key, run in self._runs.items() if run.account_id == account_id]),
            (ExceptionKind.QUARANTINED, [key for key, one in apart.items() if one.account_id == account_id]),
        ):
            found |= (wanted >> _KIND_SHIFT == KINDS.index(kind)) & np.isin(subject, keys_of_account)
        return np.asarray(found)

    def _view(self, key: int) -> ExceptionView:
        kind = KINDS[key >> _KIND_SHIFT]
        subject, asset = (key >> _ASSET_BITS) & ((1 << _SUBJECT_BITS) - 1), key & ((1 << _ASSET_BITS) - 1)
        if kind is ExceptionKind.ASSET_ON_HOLD:
            hold = self._book.asset_holds[self._symbols[asset]]
            count = self._concerned[hold.symbol]
            moved = f"{hold.symbol}: price moved ${price_text(hold.last_close)} → ${price_text(hold.price)}"
            return ExceptionView(kind, None, hold.symbol, None, None, count, hold.at, f"{hold.reason}.", short=moved)
        if kind is ExceptionKind.QUARANTINED:
            return self._quarantined(self._book.quarantine.rows[subject])
        if kind is ExceptionKind.PORTFOLIO_NEEDS_ADJUSTMENT:
            return self._of_portfolio(self._portfolio_of_key[subject])
        if kind is ExceptionKind.ASSET_INELIGIBLE:
            return self._of_barred_assets(self._portfolio_of_key[subject])
        if kind is ExceptionKind.RUN_FAILED:
            run = self._runs[subject]
            portfolio = self._follows(run.account_id)
            return ExceptionView(kind, run.account_id, None, portfolio, run.run_id, 1, run.at, f"{run.text}.")
        account_id = self._book.account_table.ids[self._row_of_key[subject]]
        symbol = self._symbols[asset] if asset else None
        since, text, short = self._since_and_text(kind, account_id, symbol)
        account = self._book.account(account_id)
        return ExceptionView(
            kind, account_id, symbol, self._follows(account_id), None, 1, since,
            f"{account.name} ({account.account_number}): {text}.", account.account_number,
            f"{account.name}: {short}" if short else "",
        )  # fmt: skip

    def _since_and_text(self, kind: ExceptionKind, account_id: str, symbol: str | None) -> tuple[datetime, str, str]:
        """Since when an exception of an account lasts, its text, and a short one if the text is long."""
        book, account = self._book, self._book.account(account_id)
        if kind in self._rules:
            rule = self._rules[kind][account_id]
            return rule.since, rule.text, ""
        if kind is ExceptionKind.UNEXPLAINED_DIFFERENCE:
            hold = book.holds[account_id]
            return hold.at, hold.reason, ""
        if kind is ExceptionKind.CASH_BELOW_ZERO:
            return self._owes_since(account_id), f"cash is ${money_text(account.cash)}", ""
        if kind is ExceptionKind.HOLDING_WITHOUT_PRICE:
            text = f"its holding of {symbol} has no price, so the account cannot be valued"
            return self._began, text, f"{symbol} has no price"
        valuation = value_account(account.cash, *book.frame().priced_holdings(book.account_table.row_of[account_id]))
        ended = kind is ExceptionKind.ACCOUNT_NOT_ACTIVE
        reasons = {
            name: text for name, text in blocking_reasons(account, valuation) if (name == "account_status") is ended
        }
        if ended:
            since, short = self._raised.get((ENDED_ALERT, account_id), self._began), account.status.value
        else:
            since, short = self._blocked_since(account_id), ", ".join(SHORT_TEXTS[name] for name in reasons)
        return since, "; ".join(reasons.values()), short

    def _quarantined(self, one: Quarantined) -> ExceptionView:
        book = self._book
        account_id = one.account_id if one.account_id in book.accounts else None
        asset = book.assets_by_id.get(one.subject) if one.kind is QuarantineKind.ASSET else None
        symbol = asset.symbol if asset is not None else None
        count = totals.concerned(book, symbol) if symbol is not None else int(account_id is not None)
        portfolio = self._follows(account_id) if account_id is not None else None
        text = f"{alert_text(book, one)}."
        return ExceptionView(ExceptionKind.QUARANTINED, account_id, symbol, portfolio, None, count, one.since, text)

    def _of_portfolio(self, portfolio_id: str) -> ExceptionView:
        """The exception of a portfolio that needs adjustment; it begins with its alert, as when it still was active."""
        portfolio = self._book.portfolios[portfolio_id]
        faults = [*filter(None, [portfolio.fault]), *fault_texts(ineligible_assets(self._book, portfolio))]
        recovered = ", ".join(eligible_again(self._book, portfolio)) or "all its assets"
        causes = ", ".join(faults) or f"{recovered} can be held again"
        return ExceptionView(
            ExceptionKind.PORTFOLIO_NEEDS_ADJUSTMENT, None, None, portfolio_id, None,
            len(self._book.subscribers(portfolio_id)),
            self._raised.get((INELIGIBLE_ALERT, portfolio_id), portfolio.updated_at),
            f"{portfolio.name} needs adjustment{':' if faults else ';'} {causes}.", short=f"{portfolio.name}: {causes}",
            over=not faults,
        )  # fmt: skip

    def _of_barred_assets(self, portfolio_id: str) -> ExceptionView:
        """The exception of an active portfolio with assets that it may not hold; it begins when one was last reported.

        All assets are eligible when a portfolio is saved, so without such a report the last change is its beginning.
        """
        portfolio = self._book.portfolios[portfolio_id]
        faults = ineligible_assets(self._book, portfolio)
        since = self._raised.get((INELIGIBLE_ALERT, portfolio_id), portfolio.changed_at)
        return ExceptionView(
            ExceptionKind.ASSET_INELIGIBLE, None, next(iter(faults)) if len(faults) == 1 else None, portfolio_id, None,
            len(self._book.subscribers(portfolio_id)), since, f"{portfolio.name}: {', '.join(fault_texts(faults))}.",
        )  # fmt: skip

    def _follows(self, account_id: str) -> str | None:
        subscription = self._book.subscriptions.get(account_id)
        return subscription.portfolio_id if subscription else None

    def _blocked_since(self, account_id: str) -> datetime:
        """When the broker began to block an account; another block added or removed in between changes nothing.

        The start of the book if the account was blocked when the book first read it, or if no block of the broker is
        the cause.
        """
        changes = block_changes(self._book).get(account_id, ())
        since = self._began
        for at, blocked in reversed(changes):
            if not blocked:
                return since
            since = at
        if changes and decisions.restrictions_before(self._book.database, account_id, since):
            return self._began
        return since

    def _owes_since(self, account_id: str) -> datetime:
        """When an account's cash fell below zero, from its movements; the start of the book if it was negative then."""
        database, cash = self._book.database, int(self._book.account(account_id).cash)
        moves: list[tuple[datetime, int]] = [
            (one.at, int(one.amount)) for one in accounts.cash_entries(database, account_id)
        ]
        moves += [
            (one.at, int(one.amount if one.side == "sell" else -one.amount))
            for one in past_rows.fills_of_account(database, account_id)
        ]
        for at, amount in sorted(moves, key=lambda move: move[0], reverse=True):
            cash -= amount
            if cash >= 0:
                return at
        return self._began

    @cached_property
    def _asset_keys(self) -> Mapping[str, int]:
        return decision_contexts.symbol_keys(self._book.database)

    @cached_property
    def _symbols(self) -> Mapping[int, str]:
        return {key: symbol for symbol, key in self._asset_keys.items()}

    @cached_property
    def _row_of_key(self) -> Mapping[int, int]:
        return {key: row for row, key in enumerate(self._book.account_table.keys.tolist())}

    @cached_property
    def _portfolio_of_key(self) -> Mapping[int, str]:
        book = self._book
        return {key: identity for identity, key in keys(book.database, "portfolios", book.portfolios).items()}

    @cached_property
    def _concerned(self) -> Mapping[str, int]:
        """By asset on hold, how many accounts hold or target it."""
        return {symbol: totals.concerned(self._book, symbol) for symbol in self._book.asset_holds}

    @cached_property
    def _raised(self) -> Mapping[tuple[str, str], datetime]:
        return jobs.raised_at(self._book.database, (ENDED_ALERT, INELIGIBLE_ALERT))

    @cached_property
    def _began(self) -> datetime:
        return audit.began_at(self._book.database) or self._book.now()


def list_exceptions(
    book: Book, limit: int, *, after: int | None = None, kind: ExceptionKind | None = None,
    account_id: str | None = None,
) -> ExceptionPage:  # fmt: skip
    """A page of the book's exceptions; the arguments are those of `Exceptions.page`."""
    return Exceptions(book).page(limit, after=after, kind=kind, account_id=account_id)


def exception_counts(book: Book) -> ExceptionCounts:
    """The number of the book's exceptions by kind; kinds without an exception are left out."""
    return Exceptions(book).counts()


def _trades_barred(book: Book, portfolio: Portfolio) -> bool:
    """Whether a portfolio is active although it has an asset that it may not hold."""
    return portfolio.status is PortfolioStatus.ACTIVE and bool(ineligible_assets(book, portfolio))


def _keyed(kind: ExceptionKind, subjects: Ints, assets: Ints) -> Ints:
    return np.asarray(KINDS.index(kind) << _KIND_SHIFT | subjects << _ASSET_BITS | assets)


def _alone(subjects: list[int] | Ints) -> tuple[Ints, Ints]:
    found = np.array(subjects, np.int64)
    return found, np.zeros(len(found), np.int64)
