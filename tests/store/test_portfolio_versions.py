"""Versions of portfolios: one for each content that was stored, from the first opening by this release on."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.portfolios import Destination, MinimumTrade, Portfolio, PortfolioUpdate, RebalanceScope
from rebal_tui.domain.quantities import Money, Percent
from rebal_tui.store import portfolios
from rebal_tui.store.database import Database
from rebal_tui.store.migrations import migrate
from rebal_tui.store.portfolio_versions import versions
from rebal_tui.store.schema import MIGRATIONS
from tests.services.factories import balanced, monthly

FULL = replace(
    balanced(conditions=[*balanced().conditions, monthly("15"), PortfolioUpdate()], review=True),
    description="d",
    rebalance_to=Destination.EDGE,
    rebalance_scope=RebalanceScope.BREACHED,
    minimum_trade=MinimumTrade(Money(5), Percent(10)),
    stagger_sessions=3,
)


def saved(database: Database, portfolio: Portfolio, actor: str) -> Portfolio:
    with database.write() as tx:
        portfolios.save(tx, portfolio, actor)
    return portfolio


def book_of(count: int) -> Database:
    """A file with the assets of the portfolio, after the first `count` migrations."""
    database = Database()
    migrate(database, [("book", MIGRATIONS[:count])])
    for symbol in ("SPY", "TLT"):
        database.connection.execute(
            "INSERT INTO assets (id, symbol, name, exchange, status, tradable, fractionable) "
            "VALUES (?1, ?1, ?1, 'ARCA', 'active', 1, 1)",
            (symbol,),
        )
    return database


def test_every_changed_content_is_a_version_and_a_change_of_status_is_none() -> None:
    database = book_of(len(MIGRATIONS))
    first = saved(database, FULL, "jane")
    saved(database, replace(first, updated_at=first.updated_at.replace(year=2027)), "jane")
    second = saved(database, replace(first, stagger_sessions=1), "joe")
    found = versions(database, second)
    assert [(one.number, one.actor, one.portfolio) for one in found] == [(2, "joe", second), (1, "jane", first)]
    assert versions(database, second, newest=True) == found[:1]


def test_a_portfolio_of_an_earlier_file_begins_with_its_stored_form() -> None:
    migration = [name for name, _ in MIGRATIONS].index("0024_portfolio_versions")
    newer, older = book_of(len(MIGRATIONS)), book_of(migration)
    saved(newer, FULL, "jane")
    for table in ("portfolios", "portfolio_weights", "portfolio_conditions"):
        for row in newer.rows(f"SELECT * FROM {table}"):
            older.connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    migrate(older, [("book", MIGRATIONS)])
    (found,) = versions(older, FULL)
    assert (found.number, found.actor, found.at, found.portfolio) == (1, "", FULL.updated_at, FULL)
