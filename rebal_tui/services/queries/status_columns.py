"""Statuses of all accounts of a book as arrays for lists: status, short text and cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.runs import Run, RunStatus
from rebal_tui.domain.sessions import from_epoch_micros
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decide import CHECKS
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.frame import BLOCKING_MARKS, BookFrame, Mark
from rebal_tui.engine.arrays.memory_layout import Flags
from rebal_tui.engine.arrays.rule_columns import rows_with_own_conditions
from rebal_tui.engine.arrays.statuses import KINDS, NO_STATUS, NO_TIME, NOTHING, WAITS, Statuses
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.evaluation.review_rule import reviewed_portfolios, reviewed_rows
from rebal_tui.services.evaluation.statuses import book_statuses, status_context
from rebal_tui.services.files_book.list_numbers import list_numbers
from rebal_tui.services.schedule.scheduler import evaluations_paused
from rebal_tui.services.view_models.runs import FOR_A_LIST
from rebal_tui.services.view_models.standing import short_status
from rebal_tui.store import cash

Codes = NDArray[np.int32]

NEEDS = KINDS.index(StatusKind.NEEDS_YOU)
UNSUBSCRIBED_TEXT, WITHDRAWING_TEXT = "unsubscribed", "withdrawing"
SHORT_TEXTS = {
    "account_status": "not active",
    "trading_blocked": "no trading",
    "account_blocked": "blocked",
    "pattern_day_trader": "day trader",
    "ach_return": "ACH return",
    "position_to_equity_ratio": "6:1 ratio",
    "crypto": "crypto limited",
    "options": "options limited",
    "unspecified": "broker block",
    "short_position": "short position",
    "crypto_position": "crypto held",
    "needs_adjustment": "needs adjusting",
    "inactive": "inactive",
    "unreconciled": "mismatch",
    "asset_hold": "asset on hold",
    "prices": "no price",
    "assets": "replace asset",
    "cannot": "cannot be corrected",
}
"""What needs a person, in one or two words, up to 15 letters where they shall fit the Desk at 80 columns.

The detail next to the list has the full text.
"""
_STOP_TEXTS = tuple(
    "account_status" if mark is Mark.NOT_ACTIVE else str(mark.name).lower()
    for mark in Mark
    if int(mark) & BLOCKING_MARKS
)
_STOPS = (*_STOP_TEXTS, "needs_adjustment", "inactive", "unreconciled", "asset_hold")
_STOPPING = tuple(CHECKS.index(name) for name in ("portfolio_status", "account", "reconciliation"))


@dataclass(frozen=True, slots=True, eq=False)
class StatusColumns:
    """The status of every account, and its short text; arrays are indexed by account row.

    `texts` are the distinct short texts, `text` has the index in `texts` of each account.
    """

    statuses: Statuses
    texts: list[str]
    text: Codes

    def kind_of(self, row: int) -> StatusKind | None:
        """The status of the account in a row; None without a subscription."""
        code = int(self.statuses.kind[row])
        return None if code == NO_STATUS else KINDS[code]


def stopped_by(book: Book) -> WaitsFor | None:
    """Why no evaluation can lead to a trade until a person acts: kill switch or paused scheduler. None normally."""
    if halted(book):
        return WaitsFor.KILL_SWITCH
    return WaitsFor.SCHEDULER if evaluations_paused(book) else None


def list_text(book: Book, run: Run) -> str:
    """Where the orders of a run wait in a files book: `for a list`, or `on list 2` once that list is written (R-73).

    Empty for a run that is not in progress, and in other books.
    """
    if not book.settings.one_list or run.status is not RunStatus.IN_PROGRESS:
        return ""
    number = list_numbers(book).get(run.id)
    return FOR_A_LIST if number is None else f"on list {number}"


def run_state(book: Book, run: Run) -> str:
    """The state of an open run, in a few words."""
    if run.awaits_approval:
        return "in review"
    if run.cancel_requested:
        return "canceling"
    return list_text(book, run) or ("queued" if run.status is RunStatus.QUEUED else run.phase.value)


def status_columns(book: Book, frame: BookFrame, day_context: DayContext, *, causes: bool = True) -> StatusColumns:
    """The status of every account at current prices.

    With `causes`, the short text of an account that needs a person names the cause; otherwise it is `needs you`.
    """
    row_of = book.account_table.row_of
    withdrawing = (one.account_id for one in cash.withdrawals(book.database, only_open=True))
    running = {row_of[one]: WITHDRAWING_TEXT for one in withdrawing if one not in book.subscriptions}
    running |= {row_of[account_id]: run_state(book, run) for account_id, run in book.open_runs.items()}
    found = book_statuses(book, frame, day_context, status_context(book, stopped_by(book)))
    reviewed = reviewed_rows(book, frame, reviewed_portfolios(book))
    return StatusColumns(found, *_texts(frame, day_context, found, reviewed, running, causes))


def _texts(
    frame: BookFrame,
    day_context: DayContext,
    found: Statuses,
    reviewed: Flags,
    running: Mapping[int, str],
    named: bool,
) -> tuple[list[str], Codes]:
    """The distinct short texts, and by account row the index of the account's text.

    `reviewed` is the result of `reviewed_rows`. `running` is the state of the open run or withdrawal, by account row,
    shown instead of the status. `named` is whether texts name what needs a person.
    """
    traded = frame.accounts.system_run_on == day_context.day
    distinct, place = np.unique(found.first_trade_at, return_inverse=True)
    keys = (place.astype(np.int64) << 19) | (found.waits_for.astype(np.int64) << 8) | found.kind
    for bit, flags in ((16, traded), (17, reviewed), (18, _banded(frame))):
        keys |= flags.astype(np.int64) << bit
    kinds, text = np.unique(keys, return_inverse=True)
    texts = []
    for key in kinds.tolist():
        kind, wait, at = key & 0xFF, key >> 8 & 0xFF, int(distinct[key >> 19])
        texts.append(
            UNSUBSCRIBED_TEXT
            if kind == NO_STATUS
            else short_status(
                KINDS[kind], None if wait == NOTHING else WAITS[wait],
                None if at == NO_TIME else from_epoch_micros(at), day_context.now, traded=bool(key >> 16 & 1),
                banded=bool(key >> 18 & 1), reviewed=bool(key >> 17 & 1),
            )
        )  # fmt: skip
    codes = text.astype(np.int32)
    words = sorted(set(running.values()))
    positions = {word: len(texts) + index for index, word in enumerate(words)}
    texts.extend(words)
    if running:
        codes[list(running)] = [positions[word] for word in running.values()]
    needs = np.flatnonzero(found.kind == NEEDS)
    if named and len(needs):
        causes, cause = _causes(frame, found, needs, running)
        shown = cause >= 0
        codes[needs[shown]] = len(texts) + cause[shown]
        texts.extend(causes)
    return texts, codes


def _banded(frame: BookFrame) -> Flags:
    """By account row, whether the portfolio that the account follows has a drift band, with its overrides (R-67)."""
    by_portfolio = np.array([*(bool(p.bands) for p in frame.portfolios), False], np.bool_)
    found = by_portfolio[frame.accounts.portfolio]
    for row in rows_with_own_conditions(frame):
        found[row] = bool(frame.followed(row).bands)
    return found


def _causes(
    frame: BookFrame, found: Statuses, needs: NDArray[np.intp], running: Mapping[int, str]
) -> tuple[list[str], Codes]:
    """The texts of what needs a person, and the index of one for each row of `needs`; -1 if a run awaits approval."""
    names = [*_STOPS, "prices", "assets", "cannot"]
    check = found.probe.check[needs]
    cause = np.full(len(needs), names.index("cannot"), np.int32)
    for name in ("prices", "assets"):
        cause[check == CHECKS.index(name)] = names.index(name)
    stopped = np.isin(check, _STOPPING)
    cause[stopped] = _stops(frame, needs[stopped])
    if running:
        awaits = np.isin(needs, [row for row, word in running.items() if word == "in review"])
        cause[awaits & (cause == names.index("cannot"))] = -1
    return [SHORT_TEXTS[name] for name in names], cause


def shortest(reasons: Iterable[str]) -> str:
    """The first blocking reason of several in one or two words; `reasons` are names that `blocking_reasons` returns."""
    return SHORT_TEXTS[min(reasons, key=_STOPS.index)]


def block_text(frame: BookFrame, row: int) -> str:
    """The first reason why no run of an account may start, in a few words.

    `row` is the account's row in the frame. The reason is a block by the broker, a pause, an asset on hold or the
    portfolio's status.
    """
    return SHORT_TEXTS[_STOPS[int(_stops(frame, np.array([row], np.intp))[0])]]


def _stops(frame: BookFrame, rows: NDArray[np.intp]) -> Codes:
    """The first blocking reason of each blocked account: an index into `_STOP_TEXTS`, or a later one.

    The four indexes after those of `_STOP_TEXTS` stand for a portfolio that needs adjustment, an inactive portfolio, a
    paused account, and an asset on hold.

    Whether the position-to-equity ratio exceeds 6:1 is computed here for accounts with negative cash, because the
    frame's flags have only what the broker reports.
    """
    ratio = _STOP_TEXTS.index("position_to_equity_ratio")
    marks = (frame.accounts.marks[rows] & BLOCKING_MARKS).astype(np.int64)
    for position in np.flatnonzero(frame.accounts.cash[rows] < 0):
        if exact_account(frame, int(rows[position])).exceeds_ratio:
            marks[position] |= 1 << ratio
    first = np.full(len(rows), -1, np.int32)
    for bit in reversed(range(len(_STOP_TEXTS))):
        first[(marks >> bit & 1) != 0] = bit
    status = np.array([p.status.value == "inactive" for p in frame.portfolios] or [False], np.int32)
    by_portfolio = len(_STOP_TEXTS) + status[frame.accounts.portfolio[rows]]
    for mark, index in ((Mark.ASSET_HOLD, 3), (Mark.UNRECONCILED, 2)):
        paused = frame.accounts.marks[rows] & int(mark) != 0
        by_portfolio = np.where(paused, len(_STOP_TEXTS) + index, by_portfolio)
    return np.where(first >= 0, first, by_portfolio).astype(np.int32)
