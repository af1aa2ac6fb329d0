"""What starting a run writes, planned one by one or many at once in arrays: the same rows either way (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

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
from rebal_tui.store.runs import OrderRow, PlanRow

AT_ONCE = 100
"""So many runs that start together are planned in arrays; fewer are planned sooner than the book is laid out."""
_WAITS = STOPS | int(Mark.OUTSIDE_ORDERS | Mark.UNRECONCILED)

_IN_ARRAYS = (RunType.FULL_REBALANCE, RunType.INVEST_CASH)

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Start:
    """What a plan means for the start of its run: what is sold, by line, and which sells are skipped."""

    run: Run
    cash_target: Money
    sells: Sequence[tuple[str, int]]
    skipped: Sequence[SkippedOrder]


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """The starts of runs of one type that were planned in arrays, in columns; no sell of them is skipped.

    By run: `cash_target`, `cash`, `reserved` and `keep` in billionths of a dollar, holdings as `codec.to_positions` and
    how many sells there are. By sell, run after run and line after line: the symbol and billionths of a share.
    """

    runs: Sequence[Run]
    cash_target: Sequence[int]
    cash: Sequence[int]
    reserved: Sequence[int]
    keep: Sequence[int | None]
    positions: Sequence[bytes]
    sells: Rows
    symbols: Sequence[str]
    qtys: Sequence[int]


def start_of(run: Run, plan: Plan) -> Start:
    """The start of a run by its plan."""
    sells = [(line.symbol, line.qty or 0) for line in plan.sells]
    return Start(run, plan.cash_target, sells, [s for s in plan.skipped_orders if s.side is Side.SELL])


def starts_at_once(book: Book, queued: Sequence[Run]) -> tuple[list[Starts], list[Run]]:
    """The starts of those runs that the arrays can plan, when they are many, and the other runs.

    Left to be looked at one by one are accounts that wait for something, with a sell skipped, without a usable price,
    in debt or restricted, and runs of other weights than the account's portfolio has. Accounts are as booked: a broker
    that is asked first goes one by one, too.
    """
    if len(queued) < AT_ONCE or book.live is not None or not book.portfolios:
        return [], list(queued)
    frame = book.frame()
    row_of = book.account_table.row_of
    rows = np.array([row_of[run.account_id] for run in queued], np.int64)
    able = (_able(book, frame)[rows] & _as_framed(frame, rows, queued)).tolist()
    made: list[Starts] = []
    for kind in _IN_ARRAYS:
        of_row = {
            row: run
            for row, run, planned in zip(rows.tolist(), queued, able, strict=True)
            if planned and run.type is kind
        }
        if of_row and (starts := _starts(book, frame, of_row, kind)).runs:
            made.append(starts)
    planned_runs = {run.id for some in made for run in some.runs}
    return made, [run for run in queued if run.id not in planned_runs]


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


def _starts(book: Book, frame: BookFrame, of_row: dict[int, Run], kind: RunType) -> Starts:
    """The starts of the runs of some rows, without those that have to be planned one by one after all."""
    from rebal_tui.engine.arrays.plans import plan_full_rebalances, plan_invest_cashes

    rows = np.array(sorted(of_row), np.int64)
    invests = kind is RunType.INVEST_CASH
    plans = (plan_invest_cashes if invests else plan_full_rebalances)(frame, rows)
    others = np.unique(np.append(plans.skipped.account[~plans.skipped.buy], plans.too_large).astype(np.int64))
    stays = ~np.isin(rows, others)
    rows, targets = rows[stays], plans.cash_target[stays].tolist()
    orders, accounts, symbols = plans.orders, frame.accounts, frame.assets.symbols
    sold = ~orders.buy & ~np.isin(orders.account, others)
    return Starts(
        runs=[of_row[row] for row in rows.tolist()],
        cash_target=targets,
        cash=accounts.cash[rows].tolist(),
        reserved=accounts.reserved[rows].tolist(),
        keep=targets if invests else [None] * len(rows),
        positions=book.account_table.packed_positions(rows),
        sells=np.diff(np.searchsorted(orders.account[sold], rows), append=np.count_nonzero(sold)),
        symbols=[symbols[place] for place in orders.asset[sold].tolist()],
        qtys=orders.qty[sold].tolist(),
    )


def store_starts(book: Book, one_by_one: Sequence[Start], at_once: Sequence[Starts]) -> list[Run]:
    """Runs become IN_PROGRESS with what their plans are made from and the orders of their sells."""
    database, now = book.database, book.now()
    before = [start.run for start in one_by_one] + [run for starts in at_once for run in starts.runs]
    targets = [start.cash_target for start in one_by_one] + [t for starts in at_once for t in starts.cash_target]
    started = replaced(
        before,
        {"cash_target": targets},
        {"status": RunStatus.IN_PROGRESS, "phase": RunPhase.SELLING, "started_at": now, "updated_at": now},
    )
    with database.write():
        asset_keys, context = contexts.symbol_keys(database), records.keep_context(book)
        key_of = keys(database, "runs", (run.id for run in before))
        at = to_time(now)
        plans: list[PlanRow] = []
        orders: list[Iterable[OrderRow]] = []
        for start in one_by_one:
            key, made = key_of[start.run.id], records.plan_inputs(book, start.run, context, asset_keys)
            plans.append((key, at, start.cash_target, context, made.cash, made.reserved, made.keep, made.positions))
            sells = enumerate(start.sells, 1)
            orders.append([(key, n, asset_keys[symbol], Side.SELL.value, None, qty, at) for n, (symbol, qty) in sells])
            runs.add_skipped(database, start.run.id, start.skipped)
        for starts in at_once:
            run_keys = np.array([key_of[run.id] for run in starts.runs], np.int64)
            plans += zip(
                run_keys.tolist(), repeat(at), starts.cash_target, repeat(context), starts.cash, starts.reserved,
                starts.keep, starts.positions,
            )  # fmt: skip
            orders.append(_order_rows(starts, run_keys, asset_keys, at))
        plans.sort()
        runs.start(database, plans)
        runs.add_orders(database, chain.from_iterable(orders))
        counts = [len(start.sells) for start in one_by_one] + [n for one in at_once for n in one.sells.tolist()]
        subject = before[0].id if len(before) == 1 else f"{len(before)} runs"
        book.record(proofs.STARTED, subject, {"sells": sum(counts), **proofs.started(database, plans)})
    let_wait(
        book,
        [
            Unsent(key_of[run.id], run.initiated_from is InitiatedFrom.API, Side.SELL, 1, 1, n)
            for run, n in zip(before, counts, strict=True)
            if n
        ],
    )
    return started


def _order_rows(starts: Starts, run_keys: Rows, asset_keys: dict[str, int], at: int) -> Iterable[OrderRow]:
    """The orders of the sells."""
    first = np.cumsum(starts.sells) - starts.sells
    lines = np.arange(len(starts.qtys)) - np.repeat(first, starts.sells) + 1
    return zip(
        np.repeat(run_keys, starts.sells).tolist(), lines.tolist(), map(asset_keys.__getitem__, starts.symbols),
        repeat(Side.SELL.value), repeat(None), starts.qtys, repeat(at),
    )  # fmt: skip
