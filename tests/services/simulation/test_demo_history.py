"""The demonstration's 60 sessions of history: made by the program itself, whole, and ready at once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rebal_tui import bootstrap, demo_book
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration import history, setup
from rebal_tui.store import audit, cash, runs
from tests import demo_history

LONG = os.environ.get("LONG") == "1"


@pytest.mark.slow
def test_the_demonstration_opens_with_sixty_sessions_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    database = demo_book.create_demo_with_history(path, speed=60)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    book = bootstrap.open_simulation(database)
    assert (new_york_day(book.now()), len(book.accounts)) == (setup.DEFAULT_START.date(), history.ACCOUNTS)
    without = [one for one in book.accounts.values() if one.id not in book.subscriptions]
    assert len([one for one in without if not one.restrictions and one.status is AccountStatus.ACTIVE]) >= 6

    made = runs.newest(database, -1)
    days = {run.session for run in made}
    assert len(days) >= history.SESSIONS * 0.9
    assert sum(run.status is RunStatus.COMPLETED_ADJUSTED for run in made) >= 1
    assert len(cash.withdrawals(database, limit=999)) >= 2
    actions = [
        entry for entry in audit.entries(database, 99_999, "corporate_action") if entry.action == "corporate_action"
    ]
    assert len(actions) == len(demo_history.ACTION_SESSIONS)

    assert audit.verify(database) == []
    scheduler.tick(book)
    assert book.open_runs, "the weekend moved some accounts outside their bands"
    database.close()
    with pytest.raises(Conflict, match="already exists"):
        demo_book.create_demo_with_history(path)


@pytest.mark.skipif(not LONG, reason="simulates 60 sessions, which takes a minute")
def test_the_history_is_what_the_program_makes(tmp_path: Path) -> None:
    path = tmp_path / "again.db"
    demo_history.make_history(path)
    shipped = demo_book.create_demo_with_history(tmp_path / "shipped.db")
    made = bootstrap.open_database(path)
    assert audit.head(made) == audit.head(shipped)
