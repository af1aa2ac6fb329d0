"""Check of the portfolios of a book: each has the content of its last stored version, and no version is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rebal_tui.domain.errors import Fault
from rebal_tui.services.maintenance.trail_rows_check import clock_slack
from rebal_tui.store import portfolios
from rebal_tui.store.database import Database
from rebal_tui.store.portfolio_versions import same_content, versions


def portfolio_faults(database: Database) -> Iterator[Fault]:
    """Portfolios whose weights, conditions or other content differ from their last stored version, versions that are
    missing, and versions that the audit trail does not have.

    Every change by this program stores a version; a portfolio of an earlier release may have none.
    """
    for portfolio in portfolios.load(database).values():
        newest = versions(database, portfolio, newest=True)
        if newest and not same_content(newest[0].portfolio, portfolio):
            yield Fault(f"portfolio {portfolio.name}", f"is not as its version {newest[0].number} recorded it")
    for name, number in database.rows(
        "SELECT p.name, max(v.number) FROM portfolio_versions v JOIN portfolios p ON p.key = v.portfolio "
        "GROUP BY v.portfolio HAVING max(v.number) <> count(*)"
    ):
        yield Fault(f"portfolio {name}", f"a version before {number} is missing")
    for name, number in database.rows(
        "SELECT p.name, v.number FROM portfolio_versions v JOIN portfolios p ON p.key = v.portfolio "
        "WHERE v.number > 1 AND NOT EXISTS (SELECT 1 FROM audit WHERE subject = p.id AND action LIKE 'portfolio.%' "
        "AND actor = v.actor AND abs(at - v.at) <= ?)",
        (clock_slack(database) // timedelta(microseconds=1),),
    ):
        yield Fault(f"portfolio {name}", f"version {number} is not in the audit trail")
