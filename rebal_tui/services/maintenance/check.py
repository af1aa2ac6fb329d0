"""Consistency check of a book: its file, simulated broker, orders and runs, weights, and audit trail."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Protocol

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.protocol import AccountListing, Broker
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.errors import Fault, Refusal
from rebal_tui.domain.orders import Order, OrderStatus, Side
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Percent, money_text, percent_text, qty_text
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.broker_sync.events import CURSOR
from rebal_tui.services.broker_sync.reconciliation.snapshot import differing_accounts
from rebal_tui.services.evaluation.history import decision_fault, plan_context, recompute_plan
from rebal_tui.services.maintenance.broker_check import BrokerRecords, record_faults
from rebal_tui.services.maintenance.decision_rows_check import decision_row_faults
from rebal_tui.services.maintenance.drift_history_check import drift_history_faults
from rebal_tui.services.maintenance.portfolio_check import portfolio_faults
from rebal_tui.services.maintenance.rebalance_times_check import rebalance_time_faults
from rebal_tui.services.maintenance.reservation_check import reservation_faults
from rebal_tui.services.maintenance.schedule_check import schedule_faults
from rebal_tui.services.maintenance.schema_check import guard_faults, schema_faults
from rebal_tui.services.maintenance.trail_check import trail_faults
from rebal_tui.services.maintenance.trail_rows_check import trail_row_faults
from rebal_tui.store import (
    audit,
    audit_digests,
    blobs,
    book_settings,
    decision_contexts,
    decisions,
    run_orders,
    runs,
)
from rebal_tui.store import (
    plan_inputs as stored_plans,
)
from rebal_tui.store.account_table import Accounts, AccountTable
from rebal_tui.store.backup import integrity_faults
from rebal_tui.store.codec import parse_client_order_id, weights_of_blob
from rebal_tui.store.database import Database
from rebal_tui.store.decision_contexts import DecisionContext

_MAX_CACHED_CONTEXTS = 64
"""Cached decision contexts; more than a session has."""
COUNTED = (
    "assets", "accounts", "positions", "portfolios", "subscriptions", "runs", "orders", "fills", "decisions", "audit",
)  # fmt: skip


class CheckedBroker(Broker, BrokerRecords, Protocol):
    """A broker that can check its own records, as the simulated one can."""

    def invariants(self) -> list[str]:
        """The violated invariants of the broker's records, as text."""

    def last_event(self) -> int:
        """The sequence number of the latest event, 0 when there is none."""

    def account_listing(self) -> AccountListing:
        """The broker's accounts, in columns."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check.

    `counts` are the numbers of rows, by table. `behind` is how many broker events the book has not applied yet, which
    is not a fault; `head` is the number and hash of the last audit entry, None when the file could not be read that
    far.
    """

    faults: tuple[Fault, ...]
    counts: Mapping[str, int]
    behind: int
    head: tuple[int, str] | None = None


def check_book(
    database: Database, broker: CheckedBroker, anchor: tuple[int, str] | None = None, *, lacking: bool = False
) -> Checked:
    """Run every check that needs no changes, in one read transaction.

    `anchor` is the number and hash of an audit entry noted outside the book: the trail must contain it. The comparison
    with the broker is skipped while the book has not applied all events of the broker; opening the book applies them. A
    real broker's records are not in the file and are not compared. `lacking`: the book's archive cannot be read, so
    whatever needs the archive's rows is not checked.
    """
    faults: list[Fault] = []
    counts: dict[str, int] = {}
    behind, head = 0, None
    try:
        database.connection.execute("BEGIN")
        faults += [Fault("file", text) for text in integrity_faults(database.connection)]
        faults += schema_faults(database)
        if faults:
            return Checked(tuple(faults), counts, behind)
        counts = {table: _count(database, table) for table in COUNTED}
        faults += [Fault("parts", text) for text in blobs.faults(database)]
        real = bool(book_settings.get(database, book_settings.BROKER))
        behind = 0 if real else broker.last_event() - int(book_settings.get(database, CURSOR, "0"))
        faults += [] if real else [Fault("broker", text) for text in broker.invariants()]
        checks: list[Callable[[Database], Iterator[Fault]]] = [
            _open_runs, _quota, _subscriptions, _withdrawals, reservation_faults, _weights, portfolio_faults,
            _plans, _decisions, _legs, _fills, _runs, trail_faults, schedule_faults, guard_faults,
        ]  # fmt: skip
        if not lacking:
            checks += [_trail, trail_row_faults, rebalance_time_faults, decision_row_faults, drift_history_faults]
        for check in checks:
            faults += check(database)
        if behind == 0 and not real:
            faults += _accounts(database, broker)
            faults += _orders(database, broker)
            faults += [] if lacking else record_faults(database, broker)
        elif behind < 0:
            faults.append(Fault("broker", f"{-behind} events that the book has applied are missing"))
        head = audit.head(database)
        rows = [] if lacking else audit_digests.faults(database)
        faults += [Fault("audit", text) for text in (*audit.verify(database, anchor), *rows)]
    except sqlite3.Error as error:
        faults.append(Fault("file", f"cannot be read further: {error}"))
    except (Refusal, ValueError, KeyError, TypeError) as error:
        faults.append(Fault("file", f"cannot be read further: a stored value is damaged: {error}"))
    finally:
        if database.connection.in_transaction:
            database.connection.execute("ROLLBACK")
    return Checked(tuple(faults), counts, behind, head)


def _count(database: Database, table: str) -> int:
    row = database.row(f"SELECT count(*) FROM {table}")
    return row[0] if row else 0


def _open_runs(database: Database) -> Iterator[Fault]:
    for account, count in database.rows(
        "SELECT accounts.id, count(*) FROM runs JOIN accounts ON accounts.key = runs.account "
        "WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') GROUP BY runs.account HAVING count(*) > 1"
    ):
        yield Fault(f"account {account}", f"{count} unfinished runs; at most one is allowed")
    for account, session, count in database.rows(
        "SELECT accounts.id, runs.session, count(*) FROM runs JOIN accounts ON accounts.key = runs.account "
        "WHERE runs.counts_quota = 1 GROUP BY runs.account, runs.session HAVING count(*) > 1"
    ):
        yield Fault(f"account {account}", f"{count} automatic runs on {session}; at most one is allowed")


def _quota(database: Database) -> Iterator[Fault]:
    """Check that a system run uses its session's quota once it has sent an order, and a manual run never (R-11)."""
    for run, counts in database.rows(
        "SELECT id, counts_quota FROM runs r WHERE CASE initiated_from WHEN 'api' THEN counts_quota = 1 ELSE "
        "counts_quota = 0 AND EXISTS (SELECT 1 FROM orders WHERE run = r.key AND broker_id IS NOT NULL) END"
    ):
        yield Fault(f"run {run}", f"{'uses' if counts else 'does not use'} the quota of its session")


def _subscriptions(database: Database) -> Iterator[Fault]:
    for account, count in database.rows(
        "SELECT accounts.id, count(*) FROM subscriptions s JOIN accounts ON accounts.key = s.account "
        "WHERE s.ended_at IS NULL GROUP BY s.account HAVING count(*) > 1"
    ):
        yield Fault(f"account {account}", f"{count} active subscriptions; at most one is allowed")


def _withdrawals(database: Database) -> Iterator[Fault]:
    """Check that an account follows no portfolio while a withdrawal raises and transfers its cash (R-32)."""
    for withdrawal, stage in database.rows(
        "SELECT w.id, w.stage FROM withdrawals w JOIN subscriptions s ON s.account = w.account AND s.ended_at IS NULL "
        "WHERE w.stage NOT IN ('requested', 'completed', 'canceled')"
    ):
        yield Fault(f"withdrawal {withdrawal}", f"in stage {stage}, but its account is subscribed to a portfolio")


def _weights(database: Database) -> Iterator[Fault]:
    for portfolio, total in database.rows(
        "SELECT p.id, p.cash_weight + coalesce(sum(w.percent), 0) AS total FROM portfolios p "
        "LEFT JOIN portfolio_weights w ON w.portfolio = p.key GROUP BY p.key HAVING total <> 10000"
    ):
        yield Fault(f"portfolio {portfolio}", f"weights sum to {percent_text(Percent(total))}, not 100")
    for run, cash, content in database.rows(
        "SELECT runs.id, runs.cash_weight, parts.content FROM runs LEFT JOIN parts ON parts.key = runs.weights"
    ):
        try:
            weights = weights_of_blob(content)
            total = weights.cash + sum(weight.percent for weight in weights.assets)
        except (ValueError, KeyError, TypeError) as error:
            yield Fault(f"run {run}", f"its weights cannot be read: {error}")
            continue
        if weights.cash != cash:
            yield Fault(f"run {run}", f"its cash weight is {percent_text(Percent(cash))}, unlike in its weights")
        if total != HUNDRED_PERCENT:
            yield Fault(f"run {run}", f"its weights sum to {percent_text(Percent(total))}, not 100")


def _plans(database: Database) -> Iterator[Fault]:
    """Check that every plan is readable, and that an ended run placed or skipped every order of its plan.

    Runs that ended before they sent an order are not checked for the latter.
    """
    ended = {RunStatus.COMPLETED_SUCCESS, RunStatus.COMPLETED_ADJUSTED, RunStatus.TIMEOUT, RunStatus.CANCELED_MID_RUN}
    context = lru_cache(maxsize=_MAX_CACHED_CONTEXTS)(partial(plan_context, database))
    for key, identity, status in database.rows("SELECT key, id, status FROM runs WHERE plan_context IS NOT NULL"):
        run = str(identity)
        try:
            inputs = stored_plans.inputs(database, run)
            plan = recompute_plan(runs.get(database, run), inputs, context(inputs.context)) if inputs else None
        except (ValueError, KeyError, TypeError) as error:
            yield Fault(f"run {run}", f"its plan cannot be recomputed: {error}")
            continue
        if plan is None or RunStatus(status) not in ended:
            continue
        placed = set(
            database.rows(
                "SELECT assets.symbol, orders.side FROM orders JOIN assets ON assets.key = orders.asset "
                "WHERE orders.run = ? UNION SELECT symbol, side FROM skipped_orders WHERE run = ?",
                (key, key),
            )
        )
        for line in plan.lines:
            if line.side is not None and (line.symbol, line.side.value) not in placed:
                yield Fault(f"run {run}", f"the planned {line.side} of {line.symbol} was neither placed nor skipped")


def _decisions(database: Database) -> Iterator[Fault]:
    """Check that every decision, recomputed, has its stored outcome."""
    context = _contexts(database)
    for stored in decisions.everything(database):
        fault = decision_fault(stored, context)
        if fault:
            yield Fault(f"account {stored.account_id}", f"the decision of {stored.session}: {fault}")


def _contexts(database: Database) -> Callable[[int], DecisionContext]:
    """A function that reads decision contexts by number, with a cache because many decisions share one."""
    return lru_cache(maxsize=_MAX_CACHED_CONTEXTS)(partial(decision_contexts.get, database))


def _runs(database: Database) -> Iterator[Fault]:
    """Check that a finished run has no open order, and a successful run no unfilled or skipped order (R-25)."""
    final = ", ".join(f"'{status}'" for status in OrderStatus if status.final)
    over = ", ".join(f"'{status}'" for status in RunStatus if status.final)
    for run, line, status in database.rows(
        "SELECT runs.id, orders.line, orders.status FROM orders JOIN runs ON runs.key = orders.run "
        f"WHERE runs.status IN ({over}) AND orders.status NOT IN ({final})"
    ):
        yield Fault(f"run {run}", f"has ended, but its order {line} is {status}")
    for run, count in database.rows(
        "SELECT runs.id, (SELECT count(*) FROM orders WHERE run = runs.key AND status <> 'filled') "
        "+ (SELECT count(*) FROM skipped_orders WHERE run = runs.key) AS problems FROM runs "
        "WHERE runs.status = 'COMPLETED_SUCCESS' AND problems > 0"
    ):
        yield Fault(f"run {run}", f"succeeded, but {count} of its orders were not filled")
    for run, line, filled, executed in database.rows(
        "SELECT runs.id, o.line, o.filled_qty, coalesce(sum(f.qty), 0) AS executed FROM orders o "
        "JOIN runs ON runs.key = o.run LEFT JOIN fills f ON f.run = o.run AND f.line = o.line "
        "GROUP BY o.run, o.line HAVING o.filled_qty <> executed"
    ):
        yield Fault(f"run {run}", f"order {line} filled {qty_text(filled)}, its fills sum to {qty_text(executed)}")


def _legs(database: Database) -> Iterator[Fault]:
    """Check that a run has at most one order per asset and side."""
    for run, symbol, side, count in database.rows(
        "SELECT runs.id, assets.symbol, o.side, count(*) FROM orders o JOIN runs ON runs.key = o.run "
        "JOIN assets ON assets.key = o.asset GROUP BY o.run, o.asset, o.side HAVING count(*) > 1"
    ):
        yield Fault(f"run {run}", f"has {count} orders to {side} {symbol}; at most one is allowed")


def _trail(database: Database) -> Iterator[Fault]:
    """Check that every execution is in the audit trail exactly once."""
    booked = _count(database, "fills")
    row = database.row(
        "SELECT count(DISTINCT json_extract(fill.value, '$[0]')) FROM audit, json_each(audit.detail, '$.fills') fill "
        "WHERE audit.action = 'orders.filled'"
    )
    in_trail = row[0] if row else 0
    if booked != in_trail:
        yield Fault("audit", f"{booked} executions are stored, {in_trail} are in the audit trail")


def _fills(database: Database) -> Iterator[Fault]:
    """Check that a fill's amount is quantity × price, rounded as cash moves, and that the order of a fill is stored.

    An order is expected only for a client_order_id of this program, and not if its run was lost with an older file.
    """
    lost = audit.subjects(database, "run.lost")
    for execution, side, qty, price, amount in database.connection.execute(
        "SELECT execution_id, side, qty, price, amount FROM fills"
    ):
        exact = -(-qty * price // NANO) if side == Side.BUY else qty * price // NANO
        if amount != exact:
            yield Fault(f"fill {execution}", f"moved ${money_text(amount)}, which is not {qty_text(qty)} × its price")
    for execution, name in database.rows(
        "SELECT f.execution_id, f.client_order_id FROM fills f "
        "LEFT JOIN orders o ON o.run = f.run AND o.line = f.line AND o.asset = f.asset AND o.side = f.side "
        "WHERE o.run IS NULL"
    ):
        ours = parse_client_order_id(name)
        if ours is not None and ours[0] not in lost:
            yield Fault(f"fill {execution}", f"its order {name} does not exist")


def _accounts(database: Database, broker: CheckedBroker) -> Iterator[Fault]:
    """Compare accounts in columns; objects are built only for accounts that differ."""
    table, listing = AccountTable(), broker.account_listing()
    table.load(database)
    ours = Accounts(table)
    absent = ours.keys() - set(listing.ids)
    for identity in sorted(absent | differing_accounts(table, listing)):
        location = f"account {identity}"
        if identity in absent:
            yield Fault(location, "exists in the book but not at the broker")
        elif identity not in ours:
            yield Fault(location, "exists at the broker but not in the book")
        else:
            yield from _account(location, ours[identity], broker.account(identity))


def _account(location: str, ours: Account, theirs: Account) -> Iterator[Fault]:
    for field, in_book, at_broker in (
        ("number", ours.account_number, theirs.account_number),
        ("name", ours.name, theirs.name),
        ("opening time", ours.created_at.isoformat(), theirs.created_at.isoformat()),
        ("cash", money_text(ours.cash), money_text(theirs.cash)),
        ("unsettled cash", money_text(ours.unsettled), money_text(theirs.unsettled)),
        ("status", ours.status.value, theirs.status.value),
        ("restrictions", _names(ours), _names(theirs)),
    ):
        if in_book != at_broker:
            yield Fault(location, f"{field} is {in_book} in the book, {at_broker} at the broker")
    for symbol in sorted({position.symbol for position in (*ours.positions, *theirs.positions)}):
        held, booked = ours.holding(symbol), theirs.holding(symbol)
        if held != booked:
            yield Fault(location, f"{symbol}: {qty_text(held)} in the book, {qty_text(booked)} at the broker")
        elif _entry_price(ours, symbol) != _entry_price(theirs, symbol):
            yield Fault(location, f"{symbol}: its entry price differs from the broker's")


def _entry_price(account: Account, symbol: str) -> object:
    return next((p.avg_entry_price for p in account.positions if p.symbol == symbol), None)


def _names(account: Account) -> str:
    return ", ".join(sorted(account.restrictions)) or "none"


def _orders(database: Database, broker: CheckedBroker) -> Iterator[Fault]:
    """Check that every order that has a broker id matches the broker's order."""
    for run, account in database.rows(
        "SELECT runs.id, accounts.id FROM runs JOIN accounts ON accounts.key = runs.account "
        "WHERE EXISTS (SELECT 1 FROM orders WHERE orders.run = runs.key) ORDER BY runs.key DESC"
    ):
        for line, order, _ in run_orders.of_run(database, run):
            if not order.id:
                continue
            location = f"run {run}"
            try:
                known = broker.order_by_client_id(account, order.client_order_id)
            except BrokerRefused as refusal:
                yield Fault(location, f"order {line}: {refusal.message}")
                continue
            if known is None:
                yield Fault(location, f"order {line} does not exist at the broker")
            elif _state(order) != _state(known):
                yield Fault(
                    location, f"order {line} is {_state_text(order)} in the book, {_state_text(known)} at the broker"
                )


def _state(order: Order) -> Sequence[object]:
    return order.id, order.symbol, order.side, order.status, order.notional, order.qty, order.filled_qty


def _state_text(order: Order) -> str:
    return f"{order.status} with {qty_text(order.filled_qty)} {order.symbol}"
