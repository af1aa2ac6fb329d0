"""Checks that the simulated broker's events and ledger entries agree with its orders, fills and journals."""

from __future__ import annotations

from rebal_tui.broker.simulated.ports import Query

_CHECKS = (
    (
        "event {}: differs from the fill that it reports",
        "SELECT e.seq FROM sim_events e JOIN sim_fills f ON f.n = e.fill "
        "WHERE e.order_n IS NOT f.order_n OR e.at <> f.at "
        "OR e.kind <> 'fill' OR e.filled_qty <> "
        "(SELECT sum(qty) FROM sim_fills WHERE order_n = f.order_n AND n <= f.n)",
    ),
    (
        "event {}: is of another account or asset than its order",
        "SELECT e.seq FROM sim_events e JOIN sim_orders o ON o.n = e.order_n "
        "WHERE e.account IS NOT o.account OR e.asset IS NOT o.asset",
    ),
    (
        "event {}: differs from the ledger entry that it reports",
        "SELECT e.seq FROM sim_events e JOIN sim_ledger l ON l.n = e.entry "
        "WHERE e.account IS NOT l.account OR e.at <> l.at",
    ),
    (
        "fill {}: is reported by no event or by several",
        "SELECT f.execution_id FROM sim_fills f LEFT JOIN sim_events e ON e.fill = f.n "
        "GROUP BY f.n HAVING count(e.seq) <> 1",
    ),
    (
        "ledger entry {}: its time, settlement day or counterparty is not that of its fill",
        "SELECT l.n FROM sim_fills f JOIN sim_ledger l ON l.n = f.entry JOIN sim_orders o ON o.n = f.order_n "
        "WHERE l.at <> f.at OR l.settles_on <> o.settles_on OR l.counter <> 'market'",
    ),
    (
        "ledger entry {}: its counterparty is not that of its kind",
        "SELECT n FROM sim_ledger WHERE counter <> CASE kind WHEN 'opening' THEN 'bank' WHEN 'deposit' THEN 'bank' "
        "WHEN 'ach_return' THEN 'bank' WHEN 'journal_in' THEN 'firm' WHEN 'journal_out' THEN 'firm' ELSE counter END",
    ),
    (
        "order {}: is not as its first and last event reported it",
        "SELECT o.client_order_id FROM sim_orders o JOIN (SELECT order_n, min(seq) AS first, max(seq) AS last "
        "FROM sim_events WHERE order_n IS NOT NULL GROUP BY order_n) AS r ON r.order_n = o.n "
        "JOIN sim_events f ON f.seq = r.first JOIN sim_events l ON l.seq = r.last WHERE f.at <> o.created_at "
        "OR l.at <> o.updated_at OR l.status <> o.status OR l.filled_qty <> o.filled_qty "
        "OR l.filled_avg_price IS NOT o.filled_avg_price OR l.account <> o.account OR l.asset <> o.asset",
    ),
    (
        "order {}: no event reports it",
        "SELECT client_order_id FROM sim_orders "
        "WHERE n NOT IN (SELECT order_n FROM sim_events WHERE order_n IS NOT NULL)",
    ),
    (
        "journal {}: is not as its first and last event reported it",
        "SELECT j.id FROM sim_journals j JOIN (SELECT journal, min(seq) AS first, max(seq) AS last FROM sim_events "
        "WHERE journal IS NOT NULL GROUP BY journal) AS r ON r.journal = j.n "
        "JOIN sim_events f ON f.seq = r.first JOIN sim_events l ON l.seq = r.last WHERE f.at <> j.created_at "
        "OR l.at <> j.updated_at OR l.status <> j.status OR l.account <> j.account",
    ),
    (
        "unsettled cash of {}: its amount is not that of the sells of its day",
        "SELECT u.settles_on FROM sim_unsettled u WHERE u.amount <> (SELECT coalesce(sum(amount), 0) FROM sim_ledger l "
        "WHERE l.account = u.account AND l.kind = 'sell' AND l.settles_on = u.settles_on)",
    ),
)


def record_faults(query: Query) -> list[str]:
    """Events and ledger entries that contradict the orders, fills and journals, one message each."""
    return [message.format(row[0]) for message, sql in _CHECKS for row in query(sql, ())]
