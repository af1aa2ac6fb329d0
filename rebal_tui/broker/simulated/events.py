"""Events of the simulated broker.

An event is stored as a change and a reference to the object that changed, such as an order. Reading the event restores
that object as it was right after the event. Shares and dollars are in billionths, times in microseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from rebal_tui.broker.protocol import FIRM_ACCOUNT, ActionHolder, ActionNotice, BrokerEvent, EventKind
from rebal_tui.broker.simulated.ports import Tables, Writer
from rebal_tui.broker.simulated.timestamps import from_micros
from rebal_tui.domain.action_effects import Holding, Terms
from rebal_tui.domain.cash import CashEntry, CashKind, Journal, JournalStatus
from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
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
    """Store the event of an order's new state; `fill` is the integer key of the fill that led to it, if any."""
    tx.execute(
        "INSERT INTO sim_events (kind, at, account, asset, order_n, fill, status, filled_qty, filled_avg_price)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ("order" if fill is None else "fill", at, account, asset, order, fill, status, filled_qty, filled_avg_price),
    )


def emit_action(tx: Writer, at: int, asset: int, action: int, account: int | None = None) -> None:
    """Store an event of a corporate action: what it did to `account`, or, without an account, that it is complete."""
    tx.execute(
        "INSERT INTO sim_events (kind, at, account, asset, action) VALUES ('corporate_action', ?, ?, ?, ?)",
        (at, account, asset, action),
    )


class OrderFacts(NamedTuple):
    """The fields of an order that never change, and the reason why the order ended.

    Dollars and shares are in billionths, times in microseconds since 1970 UTC.
    """

    id: str
    client_order_id: str
    side: str
    notional: Money | None
    qty: Qty | None
    reason: str | None
    created_at: int


class JournalFacts(NamedTuple):
    """The fields of a journal that never change, and the reason why the journal ended.

    Dollars are in billionths, times in microseconds since 1970 UTC.
    """

    id: str
    to_firm: int
    amount: int
    description: str
    reason: str | None
    created_at: int


class _Change(NamedTuple):
    """The columns of the event itself: its kind, its account or asset, and the state after the event."""

    seq: int
    kind: str
    at: int
    account_id: str | None
    symbol: str | None
    asset_id: str | None
    status: str | None
    filled_qty: int | None
    filled_avg_price: int | None
    amount: int | None


class _FillFacts(NamedTuple):
    """The execution that an event reports."""

    execution_id: str
    qty: int
    price: int
    amount: int
    at: int
    settles_on: str


class _EntryFacts(NamedTuple):
    """The ledger entry that an event reports."""

    seq: int
    at: int
    kind: str
    amount: int
    settles_on: str
    reference: str


class _ActionFacts(NamedTuple):
    """The corporate action of an event, and what the action did to the holder; prices, shares and cash in
    billionths.
    """

    id: str
    asset_id: str
    new_asset_id: str | None
    kind: str
    symbol: str
    ratio: str | None
    amount: int | None
    new_symbol: str | None
    price: int | None
    fractionable: int
    new_fractionable: int
    price_before: int | None
    new_price: int | None
    accounts: int
    canceled_orders: int
    held: int | None
    average: int | None
    entitled: int | None
    qty: int | None
    received: int | None
    paid: int | None


_EVENTS = """
SELECT e.seq, e.kind, e.at, a.id, s.symbol, s.id, e.status, e.filled_qty, e.filled_avg_price, e.amount,
    o.id, o.client_order_id, o.side, o.notional, o.qty, o.reason, o.created_at,
    f.execution_id, f.qty, f.price, f.amount, f.at, o.settles_on,
    l.n, l.at, l.kind, l.amount, l.settles_on, l.reference,
    j.id, j.to_firm, j.amount, j.description, j.reason, j.created_at,
    c.id, s.id, n.id, c.kind, c.symbol, c.ratio, c.amount, c.new_symbol, c.price, c.fractionable, c.new_fractionable,
    c.price_before, c.new_price, c.accounts, c.canceled_orders, h.held, h.average, h.entitled, h.qty, h.received, h.paid
FROM (SELECT * FROM sim_events WHERE seq > ? ORDER BY seq LIMIT ?) AS e
LEFT JOIN sim_accounts AS a ON a.n = e.account
LEFT JOIN sim_assets AS s ON s.n = e.asset
LEFT JOIN sim_orders AS o ON o.n = e.order_n
LEFT JOIN sim_fills AS f ON f.n = e.fill
LEFT JOIN sim_ledger AS l ON l.n = e.entry
LEFT JOIN sim_journals AS j ON j.n = e.journal
LEFT JOIN sim_actions AS c ON c.n = e.action
LEFT JOIN sim_assets AS n ON n.n = c.new_asset
LEFT JOIN sim_action_holders AS h ON h.action = e.action AND h.account = e.account
ORDER BY e.seq
"""


def read_events(tables: Tables, after: int, limit: int) -> list[BrokerEvent]:
    """Events with `seq` above `after`, oldest first, at most `limit`; each has the object that changed, such as an
    order, as it was right after the event.
    """
    return [_event(row) for row in tables.rows(_EVENTS, (after, limit))]


def _split(row: Sequence[Any], *kinds: type[NamedTuple]) -> Iterator[Any]:
    """Split a joined row into one tuple per type; None for a tuple whose first column is NULL."""
    start = 0
    for kind in kinds:
        end = start + len(kind._fields)
        yield None if row[start] is None else kind._make(row[start:end])
        start = end


def _event(row: Sequence[Any]) -> BrokerEvent:
    change: _Change
    ordered: OrderFacts | None
    filled: _FillFacts | None
    entry: _EntryFacts | None
    moved: JournalFacts | None
    acted: _ActionFacts | None
    change, ordered, filled, entry, moved, acted = _split(
        row, _Change, OrderFacts, _FillFacts, _EntryFacts, JournalFacts, _ActionFacts
    )
    account_id, symbol = change.account_id or "", change.symbol or ""
    order: Order | None = None
    fill: Fill | None = None
    cash: CashEntry | None = None
    journal: Journal | None = None
    if ordered is not None:
        status, filled_qty = OrderStatus(change.status or ""), Qty(change.filled_qty or 0)
        order = make_order(ordered, account_id, symbol, status, filled_qty, change.filled_avg_price, change.at)
        if filled is not None:
            fill = Fill(
                filled.execution_id, order.id, order.client_order_id, account_id, symbol, order.side, Qty(filled.qty),
                Price(filled.price), Money(filled.amount), from_micros(filled.at), filled.settles_on,
                change.asset_id,
            )  # fmt: skip
    elif entry is not None:
        cash = CashEntry(
            entry.seq, account_id, from_micros(entry.at), CashKind(entry.kind), Money(entry.amount), entry.settles_on,
            entry.reference,
        )  # fmt: skip
    elif moved is not None:
        journal = make_journal(moved, account_id, JournalStatus(change.status or ""), change.at)
    settled = None if change.amount is None else Money(change.amount)
    return BrokerEvent(
        change.seq, EventKind(change.kind), from_micros(change.at), change.account_id, change.symbol, order, fill, cash,
        journal, settled, action=None if acted is None else _notice(acted),
    )  # fmt: skip


def _notice(acted: _ActionFacts) -> ActionNotice:
    action = CorporateAction(
        ActionKind(acted.kind),
        acted.symbol,
        None if acted.ratio is None else Fraction(acted.ratio),
        None if acted.amount is None else Price(acted.amount),
        acted.new_symbol,
        None if acted.price is None else Price(acted.price),
    )
    before = None if acted.price_before is None else Price(acted.price_before)
    new_price = None if acted.new_price is None else Price(acted.new_price)
    terms = Terms(action, before, bool(acted.fractionable), new_price, bool(acted.new_fractionable))
    holder = None
    if acted.held is not None:
        average = None if acted.average is None else Price(acted.average)
        holding = Holding(Qty(acted.held), average, Qty(acted.entitled or 0))
        holder = ActionHolder(holding, Qty(acted.qty or 0), Qty(acted.received or 0), Money(acted.paid or 0))
    return ActionNotice(
        acted.id, terms, acted.asset_id, acted.new_asset_id, acted.accounts, acted.canceled_orders, holder
    )


def make_order(
    facts: OrderFacts,
    account_id: str,
    symbol: str,
    status: OrderStatus,
    filled_qty: Qty,
    filled_avg_price: int | None,
    at: int,
) -> Order:
    """The order as it was after a change, with the given status and fills; `at` is in microseconds since 1970 UTC.

    The timestamp of a final status, such as `filled_at`, is `at`; only an order with a final status has a reason.
    """
    created, updated = from_micros(facts.created_at), from_micros(at)
    return Order(
        id=facts.id,
        client_order_id=facts.client_order_id,
        account_id=account_id,
        symbol=symbol,
        side=Side(facts.side),
        status=status,
        notional=facts.notional,
        qty=facts.qty,
        filled_qty=filled_qty,
        filled_avg_price=None if filled_avg_price is None else Price(filled_avg_price),
        created_at=created,
        updated_at=updated,
        submitted_at=created,
        filled_at=updated if status is OrderStatus.FILLED else None,
        expired_at=updated if status is OrderStatus.EXPIRED else None,
        canceled_at=updated if status is OrderStatus.CANCELED else None,
        failed_at=updated if status is OrderStatus.REJECTED else None,
        reject_reason=facts.reason if status.final else None,
    )


def make_journal(facts: JournalFacts, account_id: str, status: JournalStatus, at: int) -> Journal:
    """The journal as it was after a change, with the given status; `at` is in microseconds since 1970 UTC."""
    return Journal(
        id=facts.id,
        from_account=account_id if facts.to_firm else FIRM_ACCOUNT,
        to_account=FIRM_ACCOUNT if facts.to_firm else account_id,
        amount=Money(facts.amount),
        status=status,
        description=facts.description,
        created_at=from_micros(facts.created_at),
        updated_at=from_micros(at),
        reason=facts.reason if status.final else None,
    )
