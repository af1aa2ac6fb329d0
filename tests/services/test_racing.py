"""Four processes that race for the runs of one book, without a lock between them: one run per account (G15)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rebal_tui.domain.errors import ReadOnly
from rebal_tui.services.schedule import scheduler
from tests.services.factories import account, advance, balanced, fill_book, make_book

ACCOUNTS = int(os.environ.get("RACING_ACCOUNTS", "20"))


@pytest.mark.slow
def test_four_processes_racing_for_runs_make_one_each(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    book = make_book("2026-03-02 09:29", path=path)
    names = [f"a{number}" for number in range(ACCOUNTS)]
    fill_book(book, [account(name, "5000") for name in names], [balanced()], dict.fromkeys(names, "balanced"))
    book.database.close()
    reader, start = os.pipe()
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            os.close(start)
            os.read(reader, 1)
            code = 1
            try:
                mine = make_book("2026-03-02 09:30", path=path)
                for _ in range(3):
                    scheduler.tick(mine)
                code = 0
            except ReadOnly:
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    os.close(start)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
    book = make_book("2026-03-02 09:30", path=path)
    scheduler.tick(book)
    advance(book, 2)
    assert book.database.rows("SELECT count(*), count(DISTINCT account) FROM runs") == [(ACCOUNTS, ACCOUNTS)]
    assert book.database.rows("SELECT DISTINCT status FROM runs") == [("COMPLETED_SUCCESS",)]
    per_account = book.database.rows("SELECT DISTINCT count(*) FROM sim_orders GROUP BY account")
    assert per_account == [(2,)]
