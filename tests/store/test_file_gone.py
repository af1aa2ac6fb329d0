"""A book whose file is removed, moved or replaced while it is open: nothing more is written, and it can be copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict, Halt, ReadOnly
from rebal_tui.services.maintenance.book_copy import save_copy
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import follower, scheduler
from rebal_tui.store import book_settings


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def replace(path: Path) -> None:
    copy = Path(shutil.copy(path, path.with_name("other.db")))
    os.replace(copy, path)


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("lose", [remove, move, replace, remove_folder])
def test_nothing_more_is_written_and_a_copy_has_everything(tmp_path: Path, lose: Callable[[Path], None]) -> None:
    path = tmp_path / "folder" / "book.db"
    bootstrap.create_demo(path, accounts=3).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path))
    with book.write() as tx:
        book_settings.put(tx, "mark", "last")

    lose(path)
    left = path.read_bytes() if path.exists() else b""
    for write in (lambda: scheduler.tick(book), lambda: book.write().__enter__()):
        with pytest.raises(ReadOnly, match="removed, moved or replaced") as refused:
            write()
        assert refused.value.halt is Halt.FILE_GONE

    assert (path.read_bytes() if path.exists() else b"") == left
    copy = tmp_path / "copy.db"
    assert "rebal-tui --db" in save_copy(book, copy)
    with pytest.raises(Conflict, match="name another file"):
        save_copy(book, copy)
    book.close()
    with closing(bootstrap.open_database(copy)) as database:
        assert book_settings.get(database, "mark") == "last"
        assert check_book(database, bootstrap.read_only_broker(database)).faults == ()


def test_a_viewer_notices_that_its_file_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=3).close()
    view = bootstrap.open_view(path)
    follower.heartbeat(view)
    replace(path)
    with pytest.raises(ReadOnly, match="removed, moved or replaced"):
        follower.heartbeat(view)
    follower.heartbeat(view)
    view.close()
