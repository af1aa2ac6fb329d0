"""The simulated broker's executions, cash entries and journals as rows, for comparison with the copies in the book's
own tables.

Money, quantities and prices are in billionths, times in microseconds since 1970 UTC.
"""

from __future__ import annotations

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.broker.simulated.ports import Query, SqlRow

_FILLS = """
SELECT f.execution_id, a.id, s.id, o.side, f.qty, f.price, f.amount, f.at, o.settles_on, o.client_order_id, o.id
FROM sim_fills AS f JOIN sim_orders AS o ON o.n = f.order_n
JOIN sim_accounts AS a ON a.n = o.account JOIN sim_assets AS s ON s.n = o.asset
"""
_CASH = """
SELECT l.n, a.id, l.at, l.kind, l.amount, l.settles_on, l.reference
FROM sim_ledger AS l JOIN sim_accounts AS a ON a.n = l.account
"""
_JOURNALS = f"""
SELECT j.id, a.id, CASE WHEN j.to_firm THEN a.id ELSE '{FIRM_ACCOUNT}' END,
    CASE WHEN j.to_firm THEN '{FIRM_ACCOUNT}' ELSE a.id END, j.amount, j.status, j.description, j.reason, j.created_at,
    j.updated_at
FROM sim_journals AS j JOIN sim_accounts AS a ON a.n = j.account
"""


def fills(query: Query) -> dict[str, SqlRow]:
    """Each execution by its id, as a row.

    Its columns: account, asset, side, quantity, price, amount, time, settlement day, client_order_id, and the broker's
    id of the order.
    """
    return {row[0]: row[1:] for row in query(_FILLS, ())}


def cash_entries(query: Query) -> dict[int, SqlRow]:
    """Each cash entry by its integer key, as a row: account, time, kind, amount, settlement day, reference."""
    return {row[0]: row[1:] for row in query(_CASH, ())}


def journals(query: Query) -> dict[str, SqlRow]:
    """Each journal by its id, as a row.

    Its columns: account, sending account, receiving account, amount, status, description, reason, times of creation and
    of the last change.
    """
    return {row[0]: row[1:] for row in query(_JOURNALS, ())}
