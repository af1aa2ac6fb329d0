"""Creating a sandbox: a simulated book of the server, whose time and prices change only on request."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.domain.errors import Conflict
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.fixed import FixedPrices
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.services.book.market_state import load_clock
from rebal_tui.services.book.settings import Mode, Settings
from rebal_tui.services.simulation import sandbox
from rebal_tui.services.simulation.demonstration.models import sandbox_prices
from rebal_tui.store import book_settings
from rebal_tui.store import sessions as session_store


def create(path: Path | str, *, start: datetime, seed: str, immediate_fills: bool = True) -> None:
    """Create a sandbox in a new file: a simulated book whose time stays at `start` until it is stepped.

    Its prices change only when they are set. Its assets are the default ETFs. With `immediate_fills` orders fill and
    journals execute when they are created; without it they do so minutes later, and orders fill in parts. Raises
    `Conflict` for a file that is in use.
    """
    database = bootstrap.open_database(path)
    try:
        if load_clock(database) is not None or not bootstrap.is_empty(database):
            raise Conflict(f"{path} already contains a book; a sandbox needs a new file")
        with database.write() as tx:
            fills = "immediate" if immediate_fills else ""
            bootstrap.create_simulation(database, start=start, seed=seed, name="sandbox", paused=True, fills=fills)
            book_settings.put(tx, "market", bootstrap.SANDBOX)
            calendar = TradingCalendar(session_store.load(database))
            feed = FixedPrices(sandbox_prices(), start)
            settings = Settings(Mode.SIMULATED)
            book = bootstrap.assemble(database, FixedClock(start), calendar, feed, settings, FillModel.immediate())
            sandbox.add_default_assets(book)
    finally:
        database.close()
