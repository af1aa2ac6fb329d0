"""Consistency checks of the simulated broker's records."""

from __future__ import annotations

from collections import defaultdict

from rebal_tui.broker.simulated.ports import Tables
from rebal_tui.broker.simulated.record_checks import record_faults
from rebal_tui.domain.quantities import Money, Qty, money_text, qty_text

_CASH = """
SELECT a.id, a.cash, coalesce(l.high, 0), coalesce(l.low, 0)
FROM sim_accounts AS a
LEFT JOIN (
    SELECT account, sum(amount / 1000000000) AS high, sum(amount % 1000000000) AS low,
           sum(CASE kind WHEN 'opening' THEN amount END) AS opening, sum(kind = 'ach_return') AS returns
    FROM sim_ledger GROUP BY account
) AS l ON l.account = a.n
WHERE (coalesce(l.high, 0) - a.cash / 1000000000) * 1000000000 + coalesce(l.low, 0) - a.cash % 1000000000 <> 0
    OR (a.cash < min(0, coalesce(l.opening, 0)) AND coalesce(l.returns, 0) = 0)
"""
_OVERDRAWN = """
SELECT a.id, l.kind, l.balance FROM (
    SELECT account, kind, sum(amount) OVER (PARTITION BY account ORDER BY n) AS balance FROM sim_ledger
    WHERE account IN (SELECT account FROM sim_ledger WHERE kind = 'ach_return')
) AS l JOIN sim_accounts AS a ON a.n = l.account
WHERE l.balance < 0 AND l.kind IN ('buy', 'journal_out')
"""
_SELLS = """
SELECT account, sum(amount / 1000000000), sum(amount % 1000000000) FROM sim_ledger WHERE kind = 'sell' GROUP BY account
"""
_SETTLEMENTS = """
SELECT account, sum(amount / 1000000000), sum(amount % 1000000000) FROM sim_events
WHERE kind = 'settlement' GROUP BY account
"""
_SHARES = """
SELECT account, asset, sum(held), sum(high), sum(low) FROM (
    SELECT account, asset, 0 AS held, qty / 1000000000 AS high, qty % 1000000000 AS low FROM sim_shares
    UNION ALL
    SELECT o.account, o.asset, 0, CASE o.side WHEN 'buy' THEN f.qty ELSE -f.qty END / 1000000000,
           CASE o.side WHEN 'buy' THEN f.qty ELSE -f.qty END % 1000000000
    FROM sim_fills AS f JOIN sim_orders AS o ON o.n = f.order_n
    UNION ALL
    SELECT h.account, a.asset, 0, (h.qty - h.held) / 1000000000, (h.qty - h.held) % 1000000000
    FROM sim_action_holders AS h JOIN sim_actions AS a ON a.n = h.action
    UNION ALL
    SELECT h.account, a.new_asset, 0, h.received / 1000000000, h.received % 1000000000
    FROM sim_action_holders AS h JOIN sim_actions AS a ON a.n = h.action WHERE h.received > 0
    UNION ALL
    SELECT account, asset, qty, 0, 0 FROM sim_positions
) GROUP BY account, asset
HAVING (sum(high) - sum(held) / 1000000000) * 1000000000 + sum(low) - sum(held) % 1000000000 <> 0
"""
_RESERVED = """
SELECT a.id, a.cash, o.reserved, j.reserved
FROM sim_accounts AS a
LEFT JOIN (SELECT account, sum(reserved_cash) AS reserved FROM sim_orders WHERE open = 1 GROUP BY account) AS o
    ON o.account = a.n
LEFT JOIN (SELECT account, sum(reserved) AS reserved FROM sim_journals WHERE reserved > 0 GROUP BY account) AS j
    ON j.account = a.n
WHERE coalesce(o.reserved, 0) + coalesce(j.reserved, 0) > max(a.cash, 0)
"""
_RESERVED_SHARES = """
SELECT a.id, s.symbol, o.reserved, coalesce(p.qty, 0)
FROM (SELECT account, asset, sum(reserved_qty) AS reserved FROM sim_orders WHERE open = 1 GROUP BY account, asset) AS o
JOIN sim_accounts AS a ON a.n = o.account
JOIN sim_assets AS s ON s.n = o.asset
LEFT JOIN sim_positions AS p ON p.account = o.account AND p.asset = o.asset
WHERE o.reserved > coalesce(p.qty, 0)
"""
_ORDER_RESERVES = """
SELECT client_order_id FROM sim_orders
WHERE open = 1 AND (
    (side = 'buy' AND (reserved_qty <> 0 OR (notional IS NOT NULL AND reserved_cash <> notional - filled_amount)))
    OR (side = 'sell' AND (reserved_cash <> 0 OR (qty IS NOT NULL AND reserved_qty <> qty - filled_qty)))
)
"""
_ORDER_FILLS = """
SELECT o.client_order_id FROM sim_orders AS o
LEFT JOIN (SELECT order_n, sum(qty) AS qty, sum(amount) AS amount FROM sim_fills GROUP BY order_n) AS f
    ON f.order_n = o.n
WHERE o.filled_qty <> coalesce(f.qty, 0) OR o.filled_amount <> coalesce(f.amount, 0)
    OR (o.filled_qty > 0) <> (o.filled_avg_price IS NOT NULL)
"""
_ENTRIES = """
SELECT f.execution_id FROM sim_fills AS f
JOIN sim_orders AS o ON o.n = f.order_n
JOIN sim_ledger AS l ON l.n = f.entry
WHERE l.account <> o.account OR l.kind <> o.side OR abs(l.amount) <> f.amount OR l.reference <> f.execution_id
"""
_PAID = """
SELECT c.id, a.id, h.paid, coalesce(sum(l.amount), 0)
FROM sim_action_holders AS h
JOIN sim_actions AS a ON a.n = h.action
JOIN sim_accounts AS c ON c.n = h.account
LEFT JOIN sim_ledger AS l ON l.account = h.account AND l.reference = a.id
GROUP BY h.action, h.account HAVING h.paid <> coalesce(sum(l.amount), 0)
"""
_NANO = 1_000_000_000


def ledger_faults(tables: Tables) -> list[tuple[str, str]]:
    """Accounts whose cash, unsettled cash or shares are not the sum of their ledger entries: id and message.

    Sums are exact, whatever their size.
    """
    ids: dict[int, str] = dict(tables.rows("SELECT n, id FROM sim_accounts"))
    symbols: dict[int, str] = dict(tables.rows("SELECT n, symbol FROM sim_assets"))
    faults = [
        (account, f"cash is {money_text(cash)}, its entries sum to {money_text(Money(high * _NANO + low))}")
        for account, cash, high, low in tables.rows(_CASH)
    ]
    unsettled: defaultdict[int, int] = defaultdict(int)
    for account, high, low in tables.rows(_SELLS):
        unsettled[account] += high * _NANO + low
    for account, high, low in tables.rows(_SETTLEMENTS):
        unsettled[account] -= high * _NANO + low
    waiting: dict[int, int] = dict(tables.rows("SELECT account, sum(amount) FROM sim_unsettled GROUP BY account"))
    faults += [
        (
            ids[account],
            f"unsettled is {money_text(booked)}, pending {money_text(Money(waiting.get(account, 0)))}, "
            f"due {money_text(Money(unsettled[account]))}",
        )
        for account, booked in tables.rows("SELECT n, unsettled FROM sim_accounts")
        if not booked == waiting.get(account, 0) == unsettled[account]
    ]

    faults += [
        (
            ids[account],
            f"{qty_text(held)} {symbols[asset]} held, its entries sum to {qty_text(Qty(high * _NANO + low))}",
        )
        for account, asset, held, high, low in tables.rows(_SHARES)
    ]
    return faults


def find_violations(tables: Tables) -> list[str]:
    """Inconsistencies in the simulated broker's records, one message each; empty when there are none."""
    violations = [f"account {account}: {text}" for account, text in ledger_faults(tables)]
    violations += [
        f"account {account}: a {kind} leaves {balance} cash" for account, kind, balance in tables.rows(_OVERDRAWN)
    ]
    violations += [
        f"account {account}: orders reserve {orders or 0} and journals {journals or 0} of {cash} cash"
        for account, cash, orders, journals in tables.rows(_RESERVED)
    ]
    violations += [
        f"account {account}: sells reserve {reserved} of {qty} {symbol}"
        for account, symbol, reserved, qty in tables.rows(_RESERVED_SHARES)
    ]
    violations += [
        f"order {name}: its reservation is not its unfilled part" for (name,) in tables.rows(_ORDER_RESERVES)
    ]
    violations += [
        f"account {account}: corporate action {action} pays {paid}, its entries sum to {booked}"
        for account, action, paid, booked in tables.rows(_PAID)
    ]
    violations += [
        f"{count} of {last} {what} are missing"
        for what, table, number in (("events", "sim_events", "seq"), ("ledger entries", "sim_ledger", "n"))
        for count, last in tables.rows(f"SELECT max({number}) - count(*), max({number}) FROM {table}")
        if count
    ]
    violations += [f"order {name}: its filled amounts differ from its fills" for (name,) in tables.rows(_ORDER_FILLS)]
    violations += [f"fill {name}: its ledger entry does not match" for (name,) in tables.rows(_ENTRIES)]
    return violations + record_faults(tables.rows)
