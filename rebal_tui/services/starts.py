"""What starting a run writes, planned one by one or many at once in arrays: the same rows either way (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.bulk import replaced
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Side, SkippedOrder
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import epoch_micros
from rebal_tui.engine.arrays.frame import STOPS, UNSUBSCRIBED, BookFrame, Mark
from rebal_tui.services import records
from rebal_tui.services.book import Book
from rebal_tui.services.outbox import let_wait
from rebal_tui.store import contexts, proofs, runs
from rebal_tui.store.codec import to_time
from rebal_tui.store.keys import keys
from rebal_tui.store.outbox import Unsent
from rebal_tui.store.runs import PlanInputs

if TYPE_CHECKING:
    from rebal_tui.engine.arrays.plans import Plans

AT_ONCE = 100
"""So many runs that start together are planned in arrays; fewer are planned sooner than the book is laid out."""
_WAITS = STOPS | int(Mark.OUTSIDE_ORDERS | Mark.UNRECONCILED)

Rows = npt.NDArray[np.int64]
Sell = tuple[str, int]
"""A symbol and billionths of a share."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a plan means for the start of its run.

    `sells` are by line. `kept` is what the plan is made from (cash, reserved, keep and packed holdings) where it is
    known already.
    """

    cash_target: Money
    sells: Sequence[Sell]
    skipped: Sequence[SkippedOrder] = ()
    kept: tuple[Money, Money, Money | None, bytes] | None = None


def start_of(plan: Plan) -> Start:
    """The start of a run by its plan."""
    sells = [(line.symbol, line.qty or 0) for line in plan.sells]
    return Start(plan.cash_target, sells, [s for s in plan.skipped_orders if s.side is Side.SELL])


def starts_at_once(book: Book, queued: Sequence[Run]) -> dict[str, Start]:
    """The starts, by run id, of those runs that the arrays can plan, when there are many; nothing stops these.

    Left to be looked at one by one are accounts that wait for something, with a sell skipped, without a usable price,
    in debt or restricted, and runs of other weights than the account's portfolio has. Accounts are as booked: a broker
    that is asked first goes one by one, too.
    """
    if len(queued) < AT_ONCE or book.live is not None or not book.portfolios:
        return {}
    frame = book.frame()
    row_of = book.account_table.row_of
    rows = np.array([row_of[run.account_id] for run in queued], np.int64)
    able = _able(book, frame)[rows] & _as_framed(frame, rows, queued)
    starts: dict[str, Start] = {}
    for kind in (RunType.FULL_REBALANCE, RunType.INVEST_CASH):
        of_row = {
            row: run
            for row, run, planned in zip(rows.tolist(), queued, able.tolist(), strict=True)
            if planned and run.type is kind
        }
        if of_row:
            starts |= _starts(book, frame, of_row, kind)
    return starts


def _able(book: Book, frame: BookFrame) -> npt.NDArray[np.bool_]:
    """By account, whether a run of it may start and neither a restriction (R-40) nor a price (R-12.5) can stop it.

    Without debt, holdings are never worth more than equity.
    """
    from rebal_tui.engine.arrays.passes import any_other, any_weight

    accounts, assets, age = frame.accounts, frame.assets, book.settings.price_max_age
    unusable = assets.price == 0
    if age is not None:
        unusable |= (assets.price_at > 0) & (assets.price_at < epoch_micros(book.now() - age))
    follows = accounts.portfolio
    unpriced = any_weight(frame, unusable)[follows] | any_other(frame, unusable)
    able: npt.NDArray[np.bool_] = (
        (follows != UNSUBSCRIBED) & (accounts.marks & _WAITS == 0) & (accounts.cash >= 0) & ~unpriced
    )
    return able


def _as_framed(frame: BookFrame, rows: Rows, queued: Sequence[Run]) -> npt.NDArray[np.bool_]:
    """Whether what the frame says of an account is what a plan of its run starts from: the weights are its portfolio's.

    Then the cash floor is, too, which goes by the cash weight (R-14.5).
    """
    places = frame.accounts.portfolio[rows].tolist()
    shared = {(id(run.weights), place): run.weights for run, place in zip(queued, places, strict=True)}
    same = {key: weights == frame.portfolios[key[1]].weights for key, weights in shared.items()}
    return np.array(
        [
            run.approval is not Approval.AWAITING and same[id(run.weights), place]
            for run, place in zip(queued, places, strict=True)
        ],
        np.bool_,
    )


def _starts(book: Book, frame: BookFrame, of_row: dict[int, Run], kind: RunType) -> dict[str, Start]:
    from rebal_tui.engine.arrays.plans import plan_full_rebalances, plan_invest_cashes

    rows = np.array(sorted(of_row), np.int64)
    invests = kind is RunType.INVEST_CASH
    plans = (plan_invest_cashes if invests else plan_full_rebalances)(frame, rows)
    one_by_one = {*plans.too_large, *plans.skipped.account[~plans.skipped.buy].tolist()}
    accounts = frame.accounts
    columns = zip(
        rows.tolist(), plans.cash_target.tolist(), _sells(frame, plans), accounts.cash[rows].tolist(),
        accounts.reserved[rows].tolist(), book.account_table.packed_positions(rows), strict=True,
    )  # fmt: skip
    return {
        of_row[row].id: Start(target, sells, (), (cash, reserved, target if invests else None, packed))
        for row, target, sells, cash, reserved, packed in columns
        if row not in one_by_one
    }


def _sells(frame: BookFrame, plans: Plans) -> list[list[Sell]]:
    """The sells of each account planned."""
    orders, symbols = plans.orders, frame.assets.symbols
    sold = ~orders.buy
    sells = list(zip(map(symbols.__getitem__, orders.asset[sold].tolist()), orders.qty[sold].tolist(), strict=True))
    ends = np.searchsorted(orders.account[sold], plans.accounts, "right").tolist()
    return [sells[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def store_starts(book: Book, starting: Sequence[tuple[Run, Start]]) -> list[Run]:
    """Runs become IN_PROGRESS with what their plans are made from and the orders of their sells."""
    database, now = book.database, book.now()
    before = [run for run, _ in starting]
    targets = [start.cash_target for _, start in starting]
    started = replaced(
        before,
        {"cash_target": targets},
        {"status": RunStatus.IN_PROGRESS, "phase": RunPhase.SELLING, "started_at": now, "updated_at": now},
    )
    sells = sum(len(start.sells) for _, start in starting)
    with database.write():
        asset_keys, context = contexts.symbol_keys(database), records.keep_context(book)
        key_of = keys(database, "runs", (run.id for run in before))
        run_keys = [key_of[run.id] for run in before]
        made = [start.kept or _kept(book, run, context, asset_keys) for run, start in starting]
        at = to_time(now)
        plans = sorted(
            (key, at, target, context, *kept) for key, target, kept in zip(run_keys, targets, made, strict=True)
        )
        runs.start(database, plans)
        runs.add_orders(
            database,
            [
                (key, line, asset_keys[symbol], "sell", None, qty, at)
                for key, (_, start) in zip(run_keys, starting, strict=True)
                for line, (symbol, qty) in enumerate(start.sells, 1)
            ],
        )
        for run, start in starting:
            if start.skipped:
                runs.add_skipped(database, run.id, start.skipped)
        subject = before[0].id if len(before) == 1 else f"{len(before)} runs"
        book.record(proofs.STARTED, subject, {"sells": sells, **proofs.started(database, plans)})
    let_wait(
        book,
        [
            Unsent(key, run.id, run.account_id, run.initiated_from is InitiatedFrom.API, Side.SELL, 1, 1, last)
            for key, (run, start) in zip(run_keys, starting, strict=True)
            if (last := len(start.sells))
        ],
    )
    return started


def _kept(book: Book, run: Run, context: int, asset_keys: dict[str, int]) -> tuple[Money, Money, Money | None, bytes]:
    made: PlanInputs = records.plan_inputs(book, run, context, asset_keys)
    return made.cash, made.reserved, made.keep, made.positions
