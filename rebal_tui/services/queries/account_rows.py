"""Rows of the Accounts screen: every account of the book, from one computation over arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.quantities import NANO, Money, value_cents
from rebal_tui.domain.text import fold
from rebal_tui.engine.arrays.equity import exact_equity
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED, BookFrame
from rebal_tui.engine.drift import Valuation, value_account
from rebal_tui.engine.restrictions import blocking_reasons, exceeds_position_ratio
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.search_index import ranks
from rebal_tui.services.evaluation.whole_book import book_day_context
from rebal_tui.services.queries.account_exceptions import (
    account_exceptions,
    note_words,
    portfolio_exception,
    short_exception,
)
from rebal_tui.services.queries.lazy_rows import Flags, Ints, LazyRows, longest_used, matching_any, money_length
from rebal_tui.services.queries.status_columns import status_columns
from rebal_tui.services.queries.term_filters import number_matches, text_matches
from rebal_tui.services.view_models.accounts import (
    RESTRICTION_LENGTH,
    AccountGroup,
    AccountRow,
    InGroup,
    restriction_names,
)
from rebal_tui.services.view_models.filter_terms import ACCOUNT_FIELDS, Term
from rebal_tui.services.view_models.row_selection import RowSelection
from rebal_tui.store.account_table import STATUSES, restrictions_of

_OF_PORTFOLIO = 1 << 41
"""Code of an exception text: that of the portfolio whose index is added."""
_NOTES_SHIFT = 44
"""Position of the bits of `Note` in the code of an exception text."""
_ACTIVE = next(code for code, status in enumerate(STATUSES) if status.value == "ACTIVE")


class AccountRows(LazyRows[AccountRow]):
    """Every account, those with exceptions first, then by client name.

    A row's position in this list is not its account row; the arrays are indexed by account row.
    """

    FIELDS = ACCOUNT_FIELDS

    def __init__(self, book: Book) -> None:
        table = book.account_table
        super().__init__(len(table))
        self._index = book.search_index()
        self._frame = frame = book.frame()
        self._columns = status_columns(book, frame, book_day_context(book, frame), causes=False)
        self._status, self._restrictions = table.status.copy(), table.restrictions.copy()
        self._reserve = table.reserve.copy()
        self._withdrawable = np.maximum(table.cash - table.unsettled - (table.reserve - table.run_reserve), 0)
        self._runs = {table.row_of[account_id]: run.id for account_id, run in book.open_runs.items()}
        self._in_review = np.zeros(len(table), np.bool_)
        awaiting = [account_id for account_id, run in book.open_runs.items() if run.awaits_approval]
        self._in_review[[table.row_of[account_id] for account_id in awaiting]] = True
        stopped = (self._status != _ACTIVE) | (self._restrictions != 0)
        over = np.zeros(len(table), np.bool_)
        for row in np.flatnonzero(frame.accounts.cash < 0).tolist():
            over[row] = exceeds_position_ratio(_valuation(frame, row))
        stopped |= over
        stopped[book.paused_rows()] = True
        self._notes = account_exceptions(book, frame).notes
        self._exceptions, self._short, self._exception = self._exception_texts(book, stopped, over)
        by_client = np.lexsort((self._index.by_number, self._index.by_name, self._exception == 0))
        self._ordered = by_client.astype(np.int64)

    def _exception_texts(
        self, book: Book, stopped: Flags, over: Flags
    ) -> tuple[list[str], list[str], NDArray[np.intp]]:
        """The distinct exception texts, the empty one first, the same in one or two words, and the index of each
        account's text, by account row."""
        frame = self._frame
        by_portfolio = [portfolio_exception(book, portfolio) for portfolio in frame.portfolios]
        stopping = np.array([*map(bool, by_portfolio), False], np.bool_)
        follows = frame.accounts.portfolio
        kind = np.where(stopped, 1 + self._status.astype(np.int64) + (self._restrictions.astype(np.int64) << 8), 0)
        kind += np.where(stopped & over, 1 << 30, 0)
        # Each paused account has its own differences.
        for at, row in enumerate(book.paused_rows()):
            kind[row] = (1 << 40) + at
        kind += np.where(~stopped & stopping[follows], _OF_PORTFOLIO + follows.astype(np.int64), 0)
        kind += self._notes << _NOTES_SHIFT
        kinds, first, code = np.unique(kind, return_index=True, return_inverse=True)
        texts, short = [], []
        for one, row in zip(kinds.tolist(), first.tolist(), strict=True):
            notes, rest = one >> _NOTES_SHIFT, one & (1 << _NOTES_SHIFT) - 1
            blocked: Sequence[tuple[str, str]] = ()
            paused: Sequence[str] = ()
            portfolio, of_portfolio = None, list[str]()
            if rest >= _OF_PORTFOLIO:
                at = rest - _OF_PORTFOLIO
                portfolio, of_portfolio = frame.portfolios[at], [by_portfolio[at]]
            elif rest:
                account = book.accounts[self._index.ids[row]]
                blocked, paused = blocking_reasons(account, _valuation(frame, row)), book.paused(account.id)
            short.append(short_exception(blocked, notes, paused=bool(paused), portfolio=portfolio))
            texts.append("; ".join([*(text for _, text in blocked), *paused, *of_portfolio, *note_words(notes)]))
        order = np.argsort([text != "" for text in texts], kind="stable")
        if "" not in texts:
            return ["", *texts], ["", *short], code + 1
        position = np.empty(len(texts), np.intp)
        position[order] = np.arange(len(texts))
        return [texts[at] for at in order.tolist()], [short[at] for at in order.tolist()], position[code]

    def count_groups(self, found: Flags | None) -> tuple[tuple[AccountGroup, int], ...]:
        among = slice(None) if found is None else self._ordered[found]
        return tuple((group, int(np.count_nonzero(self._in_group(group)[among]))) for group in AccountGroup)

    def _in_group(self, group: AccountGroup) -> Flags:
        follows = self._frame.accounts.portfolio
        found: Flags
        if group is AccountGroup.EXCEPTIONS:
            found = self._exception != 0
        elif group is AccountGroup.RESTRICTED:
            found = self._restrictions != 0
        elif group is AccountGroup.NOT_ACTIVE:
            found = self._status != _ACTIVE
        elif group is AccountGroup.UNSUBSCRIBED:
            found = follows == UNSUBSCRIBED
        elif group is AccountGroup.RESERVED:
            found = self._reserve > 0
        else:
            found = np.zeros(len(self), np.bool_)
            found[list(self._runs)] = True
            found &= ~self._in_review
        return found

    def subscribers(self, portfolio: int) -> Sequence[AccountRow]:
        """The subscribers of a portfolio: those with exceptions first, then by status, then by client.

        `portfolio` is the index of the portfolio in the frame.
        """
        follows = (self._frame.accounts.portfolio == portfolio)[self._ordered]
        positions = np.flatnonzero(follows)
        rows = self._ordered[positions]
        order = np.lexsort((positions, self._columns.statuses.kind[rows], self._exception[rows] == 0))
        return RowSelection(self, positions[order])

    def make(self, position: int) -> AccountRow:
        row = int(self._ordered[position])
        follows = int(self._frame.accounts.portfolio[row])
        portfolio = self._frame.portfolios[follows] if follows != UNSUBSCRIBED else None
        return AccountRow(
            account_id=self._index.ids[row],
            account_number=self._index.numbers[row],
            client=self._index.names[row],
            status=STATUSES[self._status[row]].value,
            restrictions=tuple(sorted(restrictions_of(int(self._restrictions[row])))),
            equity=value_cents(_valuation(self._frame, row).equity),
            cash=Money(int(self._frame.accounts.cash[row])),
            withdrawable=Money(int(self._withdrawable[row])),
            reserve=Money(int(self._reserve[row])),
            portfolio_id=portfolio.id if portfolio else None,
            portfolio=portfolio.name if portfolio else "",
            trade=self._columns.kind_of(row),
            state=self._states[0][self._states[1][row]],
            exception=self._exceptions[self._exception[row]],
            open_run=self._runs.get(row),
            in_review=bool(self._in_review[row]),
        )

    def key_at(self, position: int) -> Hashable:
        return self._index.ids[int(self._ordered[position])]

    def row_ids(self) -> Ints:
        return self._ordered

    def find(self, key: Hashable) -> int | None:
        row = self._index.row_of.get(key) if isinstance(key, str) else None
        return None if row is None else int(self._position_of[row])

    @cached_property
    def _position_of(self) -> Ints:
        positions = np.empty(len(self), np.int64)
        positions[self._ordered] = np.arange(len(self))
        return positions

    def accepted(self, accept: Callable[[AccountRow], bool]) -> Flags:
        if not isinstance(accept, InGroup):
            return np.array([accept(row) for row in self], np.bool_)
        return self._in_group(accept.group)[self._ordered]

    def matching(self, needle: str) -> Flags:
        found = self._index.matching(needle)
        names = [*(p.name for p in self._frame.portfolios), ""]
        found |= matching_any(names, self._frame.accounts.portfolio, needle)
        found |= matching_any([status.value for status in STATUSES], self._status, needle)
        found |= matching_any(*self._states, needle)
        bits, code = np.unique(self._restrictions, return_inverse=True)
        named = [" ".join(restriction_names(restrictions_of(int(one)))) for one in bits]
        found |= matching_any(named, code, needle)
        return found[self._ordered]

    @cached_property
    def _states(self) -> tuple[list[str], NDArray[np.intp]]:
        """The distinct texts of the column State, and the index of each account's text, by account row."""
        reported = self._exception != 0
        state = self._columns.text.astype(np.intp) + len(self._short)
        state[reported] = self._exception[reported]
        return [*self._short, *self._columns.texts], state

    def fulfilling(self, term: Term) -> Flags:
        accounts = self._frame.accounts
        rows: Callable[[], Flags] = {
            "equity": lambda: number_matches(term, exact_equity(self._frame), NANO),
            "cash": lambda: number_matches(term, accounts.cash, NANO),
            "withdrawable": lambda: number_matches(term, self._withdrawable, NANO),
            "reserved": lambda: number_matches(term, self._reserve, NANO),
            "portfolio": lambda: text_matches(
                term, [*(p.name for p in self._frame.portfolios), ""], accounts.portfolio
            ),
            "state": lambda: text_matches(term, *self._states),
            "client": lambda: self._index.matching(term.value),
        }[term.field]
        return rows()[self._ordered]

    def zero_columns(self) -> frozenset[str]:
        """The keys of the columns that are zero, or empty, in every row."""
        columns = {"cash": self._frame.accounts.cash, "withdrawable": self._withdrawable, "reserved": self._reserve}
        zero = {key for key, values in columns.items() if not values.any()}
        return frozenset(zero if self._restrictions.any() else {*zero, "restrictions"})

    def widest(self) -> Mapping[str, int]:
        """By column of variable width, the number of characters of its longest text."""
        portfolios = (len(portfolio.name) for portfolio in self._frame.portfolios)
        restrictions = (
            len(", ".join(name[:RESTRICTION_LENGTH] for name in restrictions_of(one)))
            for one in np.flatnonzero(np.bincount(self._restrictions)).tolist()
        )
        return {
            "client": self._index.longest_name,
            "portfolio": max(portfolios, default=0),
            "state": longest_used(*self._states),
            "status": longest_used([status.value for status in STATUSES], self._status),
            "restrictions": max(restrictions, default=0),
            "cash": money_length(self._frame.accounts.cash),
            "withdrawable": money_length(self._withdrawable),
            "reserved": money_length(self._reserve),
        }

    def order(self, sort: str | None) -> NDArray[Any] | None:
        if sort is None:
            return None
        accounts = self._frame.accounts
        columns: dict[str, Callable[[], NDArray[Any]]] = {
            "number": lambda: self._index.by_number,
            "client": lambda: self._index.by_name,
            "status": lambda: ranks([status.value for status in STATUSES])[self._status],
            "equity": lambda: exact_equity(self._frame),
            "cash": lambda: accounts.cash,
            "withdrawable": lambda: self._withdrawable,
            "reserved": lambda: self._reserve,
            "portfolio": lambda: ranks([*(fold(p.name) for p in self._frame.portfolios), ""])[accounts.portfolio],
            "state": lambda: ranks(self._states[0])[self._states[1]],
        }
        found: NDArray[Any] = columns[sort]()[self._ordered]
        return found


def _valuation(frame: BookFrame, row: int) -> Valuation:
    return value_account(Money(int(frame.accounts.cash[row])), *frame.priced_holdings(row))
