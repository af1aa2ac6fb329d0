"""A simulated market resumes on the same path, however the previous process ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.domain.assets import Asset
from rebal_tui.services.book.market_state import save_market_state
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START

AT = DEFAULT_START + timedelta(hours=2)


def prices_after(path: Path, *, abandoned: bool) -> dict[str, Asset]:
    """The prices at `AT`; with `abandoned`, an earlier process reached that time and ended abruptly."""
    bootstrap.create_demo(path, accounts=3).close()
    if abandoned:
        first = bootstrap.open_simulation(bootstrap.open_database(path), at=AT)
        save_market_state(first, AT)
        scheduler.advance_market(first, AT)
        with first.write() as tx:
            tx.record("something", "happened")
        first.database.close()
    book = bootstrap.open_simulation(bootstrap.open_database(path), at=AT)
    scheduler.advance_market(book, AT)
    found = dict(book.assets)
    book.database.close()
    return found


def test_a_program_that_died_leaves_the_path_of_prices_as_it_was(tmp_path: Path) -> None:
    calm = prices_after(tmp_path / "calm.db", abandoned=False)
    assert prices_after(tmp_path / "died.db", abandoned=True) == calm
    assert any(asset.price_at is not None and asset.price_at > DEFAULT_START for asset in calm.values())
