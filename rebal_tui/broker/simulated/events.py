"""What happened at the broker, in the order it happened: written narrow, read back as it was then."""

from __future__ import annotations

from typing import Any

from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent, EventKind
from rebal_tui.broker.simulated.ports import Tables, Writer
from rebal_tui.broker.simulated.timestamps import from_micros
from rebal_tui.domain.cash import CashEntry, CashKind, Journal, JournalStatus
from rebal_tui.domain.orders import Fill, Order, OrderStatus, Side
from rebal_tui.domain.quantities import Money, Price, Qty


def emit_account(tx: Writer, at: int, account: int) -> None:
    tx.execute("INSERT INTO sim_events (kind, at, account) VALUES ('account', ?, ?)", (at, account))


def emit_asset(tx: Writer, at: int, asset: int) -> None:
    tx.execute("INSERT INTO sim_events (kind, at, asset) VALUES ('asset', ?, ?)", (at, asset))


def emit_cash(tx: Writer, at: int, account: int, entry: int) -> None:
    tx.execute("INSERT INTO sim_events (kind, at, account, entry) VALUES ('cash', ?, ?, ?)", (at, account, entry))


def emit_settlement(tx: Writer, at: int, account: int, amount: int) -> None:
    tx.execute(
        "INSERT INTO sim_events (kind, at, account, amount) VALUES ('settlement', ?, ?, ?)",
        (at, account, amount),
    )


def emit_journal(tx: Writer, at: int, account: int, journal: int, status: JournalStatus) -> None:
    tx.execute(
        "INSERT INTO sim_events (kind, at, account, journal, status) VALUES ('journal', ?, ?, ?, ?)",
        (at, account, journal, status),
    )


def emit_order(
    tx: Writer,
    at: int,
    account: int,
    asset: int,
    order: int,
    status: OrderStatus,
    filled_qty: int,
    filled_avg_price: int | None,
    fill: int | None = None,
) -> None:
    """An order's new state; with `fill`, the fill that led to it."""
    tx.execute(
        "INSERT INTO sim_events (kind, at, account, asset, order_n, fill, status, filled_qty, filled_avg_price)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ("order" if fill is None else "fill", at, account, asset, order, fill, status, filled_qty, filled_avg_price),
    )


_EVENTS = """
SELECT e.seq, e.kind, e.at, a.id, s.symbol, e.status, e.filled_qty, e.filled_avg_price, e.amount,
    o.id, o.client_order_id, o.side, o.notional, o.qty, o.reason, o.created_at,
    f.execution_id, f.qty, f.price, f.amount, f.at, o.settles_on,
    l.n, l.at, l.kind, l.amount, l.settles_on, l.reference,
    j.id, j.to_firm, j.amount, j.description, j.reason, j.created_at
FROM (SELECT * FROM sim_events WHERE seq > ? ORDER BY seq LIMIT ?) AS e
LEFT JOIN sim_accounts AS a ON a.n = e.account
LEFT JOIN sim_assets AS s ON s.n = e.asset
LEFT JOIN sim_orders AS o ON o.n = e.order_n
LEFT JOIN sim_fills AS f ON f.n = e.fill
LEFT JOIN sim_ledger AS l ON l.n = e.entry
LEFT JOIN sim_journals AS j ON j.n = e.journal
ORDER BY e.seq
"""


def read_events(tables: Tables, after: int, limit: int) -> list[BrokerEvent]:
    """Events above `after`, oldest first, each with the state at its time."""
    return [_event(row) for row in tables.rows(_EVENTS, (after, limit))]


def _event(row: tuple[Any, ...]) -> BrokerEvent:
    seq, kind, at, account_id, symbol = row[:5]
    order: Order | None = None
    fill: Fill | None = None
    cash: CashEntry | None = None
    journal: Journal | None = None
    if row[9] is not None:
        order = make_order(row[9:16], account_id, symbol, OrderStatus(row[5]), Qty(row[6]), row[7], at)
        if row[16] is not None:
            execution_id, qty, price, amount, filled_at, settles_on = row[16:22]
            fill = Fill(
                execution_id, order.id, order.client_order_id, account_id, symbol, order.side,
                Qty(qty), Price(price), Money(amount), from_micros(filled_at), settles_on,
            )  # fmt: skip
    elif row[22] is not None:
        entry, booked_at, cash_kind, amount, settles_on, reference = row[22:28]
        cash = CashEntry(
            entry, account_id, from_micros(booked_at), CashKind(cash_kind), Money(amount), settles_on, reference
        )
    elif row[28] is not None:
        journal = make_journal(row[28:34], account_id, JournalStatus(row[5]), at)
    settled = None if row[8] is None else Money(row[8])
    return BrokerEvent(seq, EventKind(kind), from_micros(at), account_id, symbol, order, fill, cash, journal, settled)


def make_order(
    fixed: tuple[Any, ...],
    account_id: str,
    symbol: str,
    status: OrderStatus,
    filled_qty: Qty,
    filled_avg_price: int | None,
    at: int,
) -> Order:
    """An order in a state that it took at `at`.

    `fixed` is id, client_order_id, side, notional, qty, reason, created_at. What ends an order gives its times, and
    only then has it a reason.
    """
    order_id, client_order_id, side, notional, qty, reason, created_at = fixed
    created, updated = from_micros(created_at), from_micros(at)
    return Order(
        id=order_id,
        client_order_id=client_order_id,
        account_id=account_id,
        symbol=symbol,
        side=Side(side),
        status=status,
        notional=notional,
        qty=qty,
        filled_qty=filled_qty,
        filled_avg_price=None if filled_avg_price is None else Price(filled_avg_price),
        created_at=created,
        updated_at=updated,
        submitted_at=created,
        filled_at=updated if status is OrderStatus.FILLED else None,
        expired_at=updated if status is OrderStatus.EXPIRED else None,
        canceled_at=updated if status is OrderStatus.CANCELED else None,
        failed_at=updated if status is OrderStatus.REJECTED else None,
        reject_reason=reason if status.final else None,
    )


def make_journal(fixed: tuple[Any, ...], account_id: str, status: JournalStatus, at: int) -> Journal:
    """A journal in a state that it took at `at`; `fixed` is id, to_firm, amount, description, reason, created_at."""
    journal_id, to_firm, amount, description, reason, created_at = fixed
    return Journal(
        id=journal_id,
        from_account=account_id if to_firm else FIRM_ACCOUNT,
        to_account=FIRM_ACCOUNT if to_firm else account_id,
        amount=Money(amount),
        status=status,
        description=description,
        created_at=from_micros(created_at),
        updated_at=from_micros(at),
        reason=reason if status.final else None,
    )
