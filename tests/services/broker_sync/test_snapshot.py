"""The accounts that differ between book and broker, found in columns, equal those that differ as objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.services.broker_sync.reconciliation.snapshot import differing_accounts
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from tests.services.brokers import broker

ONE = "WHERE n = 7"
NEW = "INSERT INTO sim_assets (id, symbol, name, exchange, status, tradable, fractionable)"
CHANGES = {
    "nothing": "UPDATE sim_accounts SET name = name",
    "a name": f"UPDATE sim_accounts SET name = name || 'x' {ONE}",
    "a number": f"UPDATE sim_accounts SET account_number = account_number || '1' {ONE}",
    "a status": f"UPDATE sim_accounts SET status = 'INACTIVE' {ONE}",
    "a restriction": f"UPDATE sim_accounts SET restrictions = 'trading_blocked' {ONE}",
    "cash": f"UPDATE sim_accounts SET cash = cash + 1 {ONE}",
    "unsettled cash": f"UPDATE sim_accounts SET unsettled = unsettled + 1 {ONE}",
    "a beginning": f"UPDATE sim_accounts SET created_at = created_at + 1 {ONE}",
    "a quantity": "UPDATE sim_positions SET qty = qty + 1 WHERE account = 7 AND asset % 2 = 0",
    "an entry price": "UPDATE sim_positions SET avg_entry_price = coalesce(avg_entry_price, 0) + 1 WHERE account = 7",
    "no entry price": "UPDATE sim_positions SET avg_entry_price = NULL WHERE account = 7",
    "an asset": "UPDATE sim_positions SET asset = (SELECT n FROM sim_assets WHERE n NOT IN (SELECT asset FROM "
    "sim_positions WHERE account = 7) LIMIT 1) WHERE account = 7 AND asset = (SELECT min(asset) FROM sim_positions "
    "WHERE account = 7)",
    "an asset unknown here": f"{NEW} VALUES ('new', 'NEW', 'New', 'NYSE', 'active', 1, 1); "
    "INSERT INTO sim_positions SELECT 7, n, 5, NULL FROM sim_assets WHERE symbol = 'NEW'",
    "a position less": "DELETE FROM sim_positions WHERE account = 7 AND asset = (SELECT max(asset) FROM sim_positions "
    "WHERE account = 7)",
    "no position": "DELETE FROM sim_positions WHERE account IN (7, 8)",
    "many": "UPDATE sim_accounts SET cash = cash + 1 WHERE n % 3 = 0",
    "our account is missing": "UPDATE sim_accounts SET id = '00000000-0000-4000-8000-000000000000' WHERE n = 7",
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_column_comparison_finds_the_accounts_that_object_comparison_finds(change: str, tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=20).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path), at=DEFAULT_START)
    try:
        for statement in CHANGES[change].split("; "):
            book.database.connection.execute(statement)
        differing = {account.id for account in book.broker.accounts() if book.accounts.get(account.id) != account}
        assert bool(differing) is (change != "nothing")
        assert differing_accounts(book.account_table, broker(book).account_listing()) == differing
    finally:
        book.close()
