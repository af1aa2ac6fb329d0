"""Starts of runs, planned one by one or in arrays, with the same stored rows either way (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.bulk import replace_all
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Side, SkippedOrder
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import epoch_micros
from rebal_tui.engine.arrays.frame import BLOCKING_MARKS, PAUSING_MARKS, UNSUBSCRIBED, BookFrame, Mark
from rebal_tui.engine.situation import usable_price_times
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.evaluation import history
from rebal_tui.services.runs.listed_quantities import listed_qty
from rebal_tui.services.runs.queueing import subject_of
from rebal_tui.services.runs.sending import enqueue
from rebal_tui.store import audit_digests, decision_contexts, run_orders, runs
from rebal_tui.store.codec import to_time
from rebal_tui.store.id_keys import keys
from rebal_tui.store.outbox import Unsent
from rebal_tui.store.rows import RowTable
from rebal_tui.store.run_orders import OrderRow
from rebal_tui.store.runs import PlanRow

ARRAY_START_MIN_RUNS = 100
"""Runs that must start together to be planned in arrays; for fewer, building the frame takes longer."""
_WAITS = BLOCKING_MARKS | PAUSING_MARKS | int(Mark.EXTERNAL_ORDERS)

_IN_ARRAYS = (RunType.FULL_REBALANCE, RunType.INVEST_CASH)

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Start:
    """What one run starts with by its plan: sells in order, as (symbol, billionths of a share), and skipped sells."""

    run: Run
    cash_target: Money
    sells: Sequence[tuple[str, int]]
    skipped: Sequence[SkippedOrder]


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """The starts of runs of one type that were planned in arrays, in columns; none of them has a skipped sell.

    One value per run: `rows`, the rows of the accounts in the frame, ascending; `cash_target`, `cash`, `reserved` and
    `invest_cash_target` in billionths of a dollar; `sells`, the number of sells. `invest_cash_target` is None for other
    types than invest_cash. One value per sell, in order of run and line: `symbols`, and `qtys` in billionths of a
    share.
    """

    rows: Rows
    cash_target: Sequence[int]
    cash: Sequence[int]
    reserved: Sequence[int]
    invest_cash_target: Sequence[int | None]
    sells: Rows
    symbols: Sequence[str]
    qtys: Sequence[int]

    def plan_rows(self, run_keys: Rows, positions: Sequence[bytes], context: int, at: int) -> RowTable[PlanRow]:
        """The rows of the plan inputs to store; `positions` has the holdings of each run's account, packed into bytes.

        `context` is the number of the stored decision context, `at` the time of the start in microseconds.
        """
        return RowTable.build(
            PlanRow,
            len(run_keys),
            key=run_keys.tolist(),
            started_at=repeat(at),
            cash_target=self.cash_target,
            plan_context=repeat(context),
            plan_cash=self.cash,
            plan_reserved=self.reserved,
            plan_keep=self.invest_cash_target,
            plan_positions=positions,
        )

    def order_rows(self, run_keys: Rows, asset_keys: Mapping[str, int], at: int) -> RowTable[OrderRow]:
        """The rows of the sell orders to store; `at` is the time of the start in microseconds."""
        first = np.cumsum(self.sells) - self.sells
        lines = np.arange(len(self.qtys)) - np.repeat(first, self.sells) + 1
        return RowTable.build(
            OrderRow,
            len(self.qtys),
            run=np.repeat(run_keys, self.sells).tolist(),
            line=lines.tolist(),
            asset=[asset_keys[symbol] for symbol in self.symbols],
            side=repeat(Side.SELL.value),
            notional=repeat(None),
            qty=self.qtys,
            created_at=repeat(at),
            updated_at=repeat(at),
        )


def may_start(book: Book) -> bool:
    """Whether runs may start now (R-10): inside the window, kill switch off, enough free disk space."""
    session = book.session()
    return (
        session is not None and session.next_day is not None and session.in_window(book.now()) and not halted(book)
        and book.database.has_free_space()
    )  # fmt: skip


def start_of(run: Run, plan: Plan, *, one_list: bool = False) -> Start:
    """The start of a run with this plan.

    With `one_list` (a files book), quantities are rounded down to what a trade list can express, unless a whole
    position is sold.
    """
    sells: list[tuple[str, int]] = [(line.symbol, line.qty or 0) for line in plan.sells]
    if one_list:
        held = {line.symbol: line.held for line in plan.sells}
        listed = [(symbol, qty if qty == held[symbol] else listed_qty(qty)) for symbol, qty in sells]
        sells = [(symbol, qty) for symbol, qty in listed if qty]
    return Start(run, plan.cash_target, sells, [s for s in plan.skipped_orders if s.side is Side.SELL])


def split_array_starts(book: Book, queued: Sequence[Run]) -> tuple[list[tuple[list[Run], Starts]], list[Run]]:
    """Split queued runs: the starts of those that the arrays can plan, each with its runs, and the other runs.

    Planned one by one are: all runs if there are few, runs of accounts that need further checks (`able_rows`), and runs
    whose weights differ from those of the account's portfolio.
    """
    if not uses_arrays(book, len(queued)):
        return [], list(queued)
    frame, row_of = book.frame(), book.account_table.row_of
    rows = np.array([row_of[run.account_id] for run in queued], np.int64)
    able = (able_rows(book, frame)[rows] & _matches_frame(frame, rows, queued)).tolist()
    of_row = {row: run for row, run, planned in zip(rows.tolist(), queued, able, strict=True) if planned}
    made = [
        ([of_row[row] for row in starts.rows.tolist()], starts)
        for starts in plan_starts(
            frame, {kind: [row for row, run in of_row.items() if run.type is kind] for kind in _IN_ARRAYS}
        )
    ]
    planned_runs = {run.id for some, _ in made for run in some}
    return made, [run for run in queued if run.id not in planned_runs]


def uses_arrays(book: Book, count: int) -> bool:
    """Whether `count` runs are planned in arrays.

    Never when they are few, nor with a real broker, where each account is read first, nor in a files book, whose trade
    lists cannot express every quantity.
    """
    if book.live is not None or book.settings.one_list:
        return False
    return count >= ARRAY_START_MIN_RUNS and bool(book.portfolios)


def able_rows(book: Book, frame: BookFrame) -> npt.NDArray[np.bool_]:
    """By account row, whether the arrays can plan the start of a run without further checks (R-12.5, R-40).

    False for accounts that are not subscribed, that wait for something or are blocked, that have negative cash, or that
    lack a usable price. With cash of 0 or more, holdings are never worth more than equity. Accounts with trading rules
    are planned one by one (R-60 to R-65).
    """
    from rebal_tui.engine.arrays.kernels import any_other, any_weight

    accounts, assets, age = frame.accounts, frame.assets, book.settings.price_max_age
    unusable = assets.price == 0
    if age is not None:
        oldest, newest = map(epoch_micros, usable_price_times(book.now(), age))
        unusable |= (assets.price_at > 0) & ((assets.price_at < oldest) | (assets.price_at > newest))
    follows = accounts.portfolio
    unpriced = any_weight(frame, unusable)[follows] | any_other(frame, unusable)
    able: npt.NDArray[np.bool_] = (
        (follows != UNSUBSCRIBED) & (accounts.marks & _WAITS == 0) & (accounts.cash >= 0) & ~unpriced
    )
    able[accounts.ruled] = False
    return able


def plan_starts(frame: BookFrame, rows: Mapping[RunType, Sequence[int] | Rows]) -> list[Starts]:
    """The starts of runs, planned in arrays; `rows` has the account rows of the runs by their type.

    Runs that must be planned one by one are left out.
    """
    made = [_starts(frame, np.array(sorted(some), np.int64), kind) for kind, some in rows.items() if len(some)]
    return [starts for starts in made if len(starts.rows)]


def _matches_frame(frame: BookFrame, rows: Rows, queued: Sequence[Run]) -> npt.NDArray[np.bool_]:
    """By run, whether the frame has the run's plan inputs: it awaits no approval and uses its portfolio's weights.

    The cash floor then matches, too, because it depends on the cash weight (R-14.7).
    """
    indexes = frame.accounts.portfolio[rows].tolist()
    shared = {(id(run.weights), index): run.weights for run, index in zip(queued, indexes, strict=True)}
    same = {key: weights == frame.portfolios[key[1]].weights for key, weights in shared.items()}
    return np.array(
        [
            run.approval is not Approval.AWAITING and same[id(run.weights), index]
            for run, index in zip(queued, indexes, strict=True)
        ],
        np.bool_,
    )


def _starts(frame: BookFrame, rows: Rows, kind: RunType) -> Starts:
    from rebal_tui.engine.arrays.plans import plan_full_rebalances, plan_invest_cashes

    invests = kind is RunType.INVEST_CASH
    plans = (plan_invest_cashes if invests else plan_full_rebalances)(frame, rows)
    others = np.unique(np.append(plans.skipped.account[~plans.skipped.buy], plans.too_large).astype(np.int64))
    stays = ~np.isin(rows, others)
    rows, targets = rows[stays], plans.cash_target[stays].tolist()
    orders, accounts, symbols = plans.orders, frame.accounts, frame.assets.symbols
    sold = ~orders.buy & ~np.isin(orders.account, others)
    return Starts(
        rows=rows,
        cash_target=targets,
        cash=accounts.cash[rows].tolist(),
        reserved=accounts.reserved[rows].tolist(),
        invest_cash_target=targets if invests else [None] * len(rows),
        sells=np.diff(np.searchsorted(orders.account[sold], rows), append=np.count_nonzero(sold)),
        symbols=[symbols[index] for index in orders.asset[sold].tolist()],
        qtys=orders.qty[sold].tolist(),
    )


def store_starts(
    book: Book, one_by_one: Sequence[Start], array_starts: Sequence[tuple[Sequence[Run], Starts]]
) -> list[Run]:
    """Set runs IN_PROGRESS, and store their plan inputs and sell orders; returns the started runs."""
    database, now = book.database, book.now()
    before = [start.run for start in one_by_one] + [run for some, _ in array_starts for run in some]
    targets = [start.cash_target for start in one_by_one] + [
        t for _, starts in array_starts for t in starts.cash_target
    ]
    started = replace_all(
        before,
        {"cash_target": targets},
        {"status": RunStatus.IN_PROGRESS, "phase": RunPhase.SELLING, "started_at": now, "updated_at": now},
    )
    with book.write() as tx:
        asset_keys, context = decision_contexts.symbol_keys(database), history.store_context(tx)
        key_of = keys(database, "runs", (run.id for run in before))
        at = to_time(now)
        plans: list[PlanRow] = []
        orders: list[OrderRow] = []
        for start in one_by_one:
            key, made = key_of[start.run.id], history.plan_inputs(book, start.run, context, asset_keys)
            plans.append(
                PlanRow(
                    key,
                    at,
                    start.cash_target,
                    context,
                    made.cash,
                    made.reserved,
                    made.cash_target,
                    made.positions,
                    made.rules,
                )
            )
            orders += [
                OrderRow(key, line, asset_keys[symbol], Side.SELL.value, None, qty, at, at)
                for line, (symbol, qty) in enumerate(start.sells, 1)
            ]
            run_orders.add_skipped(tx, start.run.id, start.skipped)
        plan_tables, order_tables = [RowTable.of(PlanRow, plans)], [RowTable.of(OrderRow, orders)]
        for some, starts in array_starts:
            run_keys = np.array([key_of[run.id] for run in some], np.int64)
            packed = book.account_table.packed_positions(starts.rows)
            plan_tables.append(starts.plan_rows(run_keys, packed, context, at))
            order_tables.append(starts.order_rows(run_keys, asset_keys, at))
        started_plans = RowTable.joined(PlanRow, plan_tables).sorted_by("key")
        runs.start(tx, started_plans)
        run_orders.add(tx, RowTable.joined(OrderRow, order_tables))
        counts = [len(start.sells) for start in one_by_one] + [n for _, one in array_starts for n in one.sells.tolist()]
        record_starts(tx, before, sum(counts), started_plans)
        written = [
            Unsent(key_of[run.id], run.initiated_from is InitiatedFrom.API, Side.SELL, 1, 1, n)
            for run, n in zip(before, counts, strict=True)
            if n
        ]
        tx.apply_run_states(started)
        tx.after_commit(partial(enqueue, book, written))
    return started


def record_starts(tx: BookTransaction, begun: Sequence[Run], sells: int, plans: RowTable[PlanRow]) -> None:
    """Record the audit entry of runs that started together; `plans` is sorted by ascending run key."""
    book = tx.book
    tx.record(audit_digests.STARTED, subject_of(begun), {"sells": sells, **audit_digests.started(book.database, plans)})
