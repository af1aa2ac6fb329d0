"""What starting a run writes, planned one by one or many at once in arrays: the same rows either way (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Side, SkippedOrder
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import epoch_micros
from rebal_tui.engine.arrays.frame import STOPS, UNSUBSCRIBED, BookFrame
from rebal_tui.services import records
from rebal_tui.services.book import Book
from rebal_tui.services.outbox import put_in
from rebal_tui.store import contexts, proofs, runs
from rebal_tui.store.codec import to_time
from rebal_tui.store.keys import keys
from rebal_tui.store.runs import PlanInputs

if TYPE_CHECKING:
    from rebal_tui.engine.arrays.plans import Plans

AT_ONCE = 100
"""So many runs that start together are planned in arrays; fewer are planned sooner than the book is laid out."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Start:
    """What a plan means for the start of its run.

    `sells` are (symbol, billionths of a share) by line. `kept` is what the plan is made from (cash, reserved, keep and
    packed holdings) where it is known already.
    """

    cash_target: Money
    sells: Sequence[tuple[str, int]]
    skipped: Sequence[SkippedOrder] = ()
    kept: tuple[Money, Money, Money | None, bytes] | None = None


def start_of(plan: Plan) -> Start:
    """The start of a run by its plan."""
    sells = [(line.symbol, line.qty or 0) for line in plan.sells]
    return Start(plan.cash_target, sells, [s for s in plan.skipped_orders if s.side is Side.SELL])


def starts_at_once(book: Book, queued: Sequence[Run]) -> dict[str, Start]:
    """The starts, by run id, of those runs that the arrays can plan, when there are many; nothing stops these.

    Left to be planned one by one are accounts with a sell skipped, without a usable price, in debt or restricted, and
    runs of other weights than the account's portfolio has. Accounts are as booked: a broker that is asked first goes
    one by one, too.
    """
    if len(queued) < AT_ONCE or book.live is not None or not book.portfolios:
        return {}
    frame = book.frame()
    able = _able(book, frame)
    starts: dict[str, Start] = {}
    for kind in (RunType.FULL_REBALANCE, RunType.INVEST_CASH):
        of_row = {}
        for run in queued:
            row = book.account_table.row_of[run.account_id]
            if run.type is kind and able[row] and _as_framed(book, frame, row, run):
                of_row[row] = run
        if of_row:
            starts |= _starts(book, frame, of_row, kind)
    return starts


def _able(book: Book, frame: BookFrame) -> npt.NDArray[np.bool_]:
    """By account, whether neither a restriction (R-40) nor a price (R-12.5) can stop a run of it.

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
        (follows != UNSUBSCRIBED) & (accounts.marks & STOPS == 0) & (accounts.cash >= 0) & ~unpriced
    )
    return able


def _as_framed(book: Book, frame: BookFrame, row: int, run: Run) -> bool:
    """Whether what the frame says of an account is what a plan of its run starts from."""
    accounts = frame.accounts
    return (
        run.approval is not Approval.AWAITING
        and run.weights == frame.portfolios[accounts.portfolio[row]].weights
        and accounts.reserved[row] == book.reserved(run.account_id)
        and accounts.cash_floor[row] == book.cash_floor(run.account_id, run.weights.cash)
    )


def _starts(book: Book, frame: BookFrame, of_row: dict[int, Run], kind: RunType) -> dict[str, Start]:
    from rebal_tui.engine.arrays.plans import plan_full_rebalances, plan_invest_cashes

    rows = np.array(sorted(of_row), np.int64)
    invests = kind is RunType.INVEST_CASH
    plans = (plan_invest_cashes if invests else plan_full_rebalances)(frame, rows)
    sells = _sells(frame, plans)
    one_by_one = {*plans.too_large, *plans.skipped.account[~plans.skipped.buy].tolist()}
    accounts = frame.accounts
    columns = zip(
        rows.tolist(), plans.cash_target.tolist(), accounts.cash[rows].tolist(), accounts.reserved[rows].tolist(),
        book.account_table.packed_positions(rows), strict=True,
    )  # fmt: skip
    return {
        of_row[row].id: Start(target, sells.get(row, ()), (), (cash, reserved, target if invests else None, packed))
        for row, target, cash, reserved, packed in columns
        if row not in one_by_one
    }


def _sells(frame: BookFrame, plans: Plans) -> dict[int, list[tuple[str, int]]]:
    """The sells of each account, by row."""
    orders, symbols = plans.orders, frame.assets.symbols
    sold = ~orders.buy
    found: dict[int, list[tuple[str, int]]] = {}
    for row, asset, qty in zip(
        orders.account[sold].tolist(), orders.asset[sold].tolist(), orders.qty[sold].tolist(), strict=True
    ):
        found.setdefault(row, []).append((symbols[asset], qty))
    return found


def store_starts(book: Book, starting: Sequence[tuple[Run, Start]]) -> list[Run]:
    """Runs become IN_PROGRESS with what their plans are made from and the orders of their sells."""
    database, now = book.database, book.now()
    started = [
        replace(
            run, status=RunStatus.IN_PROGRESS, phase=RunPhase.SELLING, cash_target=start.cash_target,
            started_at=now, updated_at=now,
        )
        for run, start in starting
    ]  # fmt: skip
    with database.write():
        asset_keys, context = contexts.symbol_keys(database), records.keep_context(book)
        run_keys = keys(database, "runs", (run.id for run, _ in starting))
        inputs = (
            PlanInputs(context, *start.kept) if start.kept else records.plan_inputs(book, run, context, asset_keys)
            for run, start in starting
        )
        runs.start(database, ((run_keys[run.id], run, made) for run, made in zip(started, inputs, strict=True)))
        made_at = to_time(now)
        runs.add_orders(
            database,
            (
                (run_keys[run.id], line, asset_keys[symbol], Side.SELL.value, None, qty, made_at)
                for run, start in starting
                for line, (symbol, qty) in enumerate(start.sells, 1)
            ),
        )
        for run, start in starting:
            runs.add_skipped(database, run.id, start.skipped)
        subject = starting[0][0].id if len(starting) == 1 else f"{len(starting)} runs"
        sells = sum(len(start.sells) for _, start in starting)
        book.record(proofs.STARTED, subject, {"sells": sells, **proofs.started(database, sorted(run_keys.values()))})
    put_in(book, [run.id for run, start in starting if start.sells])
    return started
