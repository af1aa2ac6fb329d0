"""The surge guard: runs of a pass wait for review if they trade unusually much (R-57)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, percent_text
from rebal_tui.domain.text import count_text
from rebal_tui.engine.arrays.decide import OUTCOMES
from rebal_tui.engine.arrays.equity import exact_equity
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED, BookFrame
from rebal_tui.engine.arrays.planned_amounts import planned_amounts
from rebal_tui.engine.trace_text import money
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.guard_options import Guards
from rebal_tui.services.evaluation.whole_book import DecidedBook
from rebal_tui.services.runs.starting import Rows
from rebal_tui.store import book_settings, cash, fills, jobs

ALERT = "surge"
MIN_SUBSCRIBERS = 5
"""In a book of fewer subscribers one ordinary run is a large part of the whole; it is not measured."""
TRADED_KEY = "surge_traded"
"""Key, in the book settings, of the dollars measured in a session: its day, a colon, billionths."""
_FULL, _INVEST = OUTCOMES.index(Outcome.FULL_REBALANCE), OUTCOMES.index(Outcome.INVEST_CASH)

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Surge:
    """What the surge guard measured in a pass, by account row.

    `amount` is what the planned run buys and sells together, less, for a run that invests cash, the deposits since the
    account's last run, in billionths of a dollar; 0 where it is not measured. `reason` is an index in `reasons`: why
    the run waits for review; 0 means that it does not.
    """

    amount: Ints
    reason: npt.NDArray[np.uint8]
    reasons: tuple[str, ...]

    @property
    def held(self) -> Flags:
        """By account row, whether the surge guard makes the run wait for review."""
        return np.asarray(self.reason > 0)

    @property
    def whole(self) -> bool:
        """Whether all measured runs of the pass wait, because together they trade too much."""
        return bool((self.reason == 1).any())

    def amount_of(self, rows: Rows) -> int:
        """The sum of `amount` over some rows, in billionths of a dollar."""
        return _sum(self.amount[rows])


def measure_surge(book: Book, decided: DecidedBook, rows: Rows, reviewed: Flags, *, surged: bool) -> Surge:
    """Measure the runs that the decisions of some rows require, before any of them is created.

    `reviewed` has by account row whether the run waits for review anyway; such runs are not measured, nor are first
    runs. `surged`: a surge was found earlier in the pass, so that all measured runs wait. Nothing is measured while the
    surge guard is off, or with fewer than `MIN_SUBSCRIBERS` subscriptions.
    """
    guards, frame = book.settings.guards, decided.frame
    reason = np.zeros(len(frame), np.uint8)
    if not guards.surge_guard or np.count_nonzero(frame.accounts.portfolio != UNSUBSCRIBED) < MIN_SUBSCRIBERS:
        return Surge(np.zeros(len(frame), np.int64), reason, ("",))
    outcome = decided.made.outcome
    full = rows[(outcome[rows] == _FULL) & (frame.accounts.rebalanced_on[rows] >= 0) & ~reviewed[rows]]
    invest = rows[(outcome[rows] == _INVEST) & ~reviewed[rows]]
    planned = planned_amounts(frame, np.sort(full), np.sort(invest))
    keys = book.account_table.keys[invest].tolist()
    inflows = cash.inflows_since_last_run(book.database, keys)
    booked = np.zeros(len(frame), np.int64)
    booked[invest] = [inflows.get(key, 0) for key in keys]
    beyond = np.maximum(planned.total - booked, 0)
    surge = Surge(beyond, reason, _reasons(guards))
    if guards.surge_order_limit:
        reason[(beyond > 0) & (planned.largest > guards.surge_order_limit)] = 3
    if guards.surge_run_limit:
        reason[(beyond > 0) & (planned.total > guards.surge_run_limit)] = 2
    if guards.surge_limit and (surged or _exceeds(book, frame, surge.amount_of(rows), guards)):
        reason[beyond > 0] = 1
    return surge


def report_surge(tx: BookTransaction, surge: Surge) -> None:
    """Raise an alert about the runs that wait because of the surge guard, at most one per session."""
    session = tx.book.today().isoformat()
    count = int(np.count_nonzero(surge.held))
    if not count or jobs.is_open(tx.database, ALERT, session):
        return
    found = (surge.reasons[code] for code in sorted(set(surge.reason[surge.held].tolist())))
    waits = "waits" if count == 1 else "wait"
    text = f"{count_text(count, 'run')} {waits} for review: {'; '.join(found)}"
    jobs.raise_alert(tx, tx.book.now(), ALERT, session, text)
    tx.record("surge.held", session, {"runs": count})


def add_traded(tx: BookTransaction, surge: Surge, rows: Rows) -> None:
    """Add to the session's total what the created runs trade, except runs that wait for review.

    `rows` are the account rows of the created runs; `surge` has the amount of each.
    """
    sent = surge.amount_of(rows[~surge.held[rows]])
    if sent:
        day = tx.book.today()
        book_settings.put(tx, TRADED_KEY, f"{day.isoformat()}:{_counted(tx.book, day) + sent}")


def traded(book: Book, day: date) -> int:
    """What the measured runs of a session buy and sell, in billionths of a dollar.

    It is the larger of two sums. One is what was planned while the guard was on, which includes orders that have not
    filled; the other is the session's fills of runs without review.
    """
    return max(_counted(book, day), fills.traded_without_review(book.database, day.isoformat()))


def _counted(book: Book, day: date) -> int:
    stored_day, _, amount = book_settings.get(book.database, TRADED_KEY).partition(":")
    return int(amount) if stored_day == day.isoformat() else 0


def _exceeds(book: Book, frame: BookFrame, planned: int, guards: Guards) -> bool:
    if not planned:
        return False
    equity = exact_equity(frame)[frame.accounts.portfolio != UNSUBSCRIBED]
    return (traded(book, book.today()) + planned) * HUNDRED_PERCENT > _sum(equity) * guards.surge_limit


def _sum(amounts: Ints) -> int:
    """The exact sum of amounts in billionths, which may exceed 64 bits."""
    return int((amounts // NANO).sum()) * NANO + int((amounts % NANO).sum())


def _reasons(guards: Guards) -> tuple[str, ...]:
    return (
        "",
        "surge guard: the automatic runs of this session would trade more than "
        f"{percent_text(guards.surge_limit)} % of the subscribed accounts' equity",
        f"surge guard: the run trades more than {money(guards.surge_run_limit)}",
        f"surge guard: an order is larger than {money(guards.surge_order_limit)}",
    )
