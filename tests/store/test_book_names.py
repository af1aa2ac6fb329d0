"""A book is one file under whatever name: locks, permissions and links."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict
from rebal_tui.paths import BookInUse, exclusive_lock
from rebal_tui.store.restore import restore


def test_a_lock_is_held_under_every_name(tmp_path: Path) -> None:
    path, link = tmp_path / "book.db", tmp_path / "link.db"
    bootstrap.create_demo(path, accounts=2).close()
    link.symlink_to(path)
    with exclusive_lock(path), pytest.raises(BookInUse), exclusive_lock(link):
        pass


def test_a_second_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=2).close()
    os.link(path, tmp_path / "second.db")
    with pytest.raises(Conflict, match="hard link"), exclusive_lock(path):
        pass


def test_a_device_or_a_folder_is_no_book(tmp_path: Path) -> None:
    device = tmp_path / "device.db"
    device.symlink_to(os.devnull)
    (tmp_path / "folder.db").mkdir()
    for path in (device, tmp_path / "folder.db"):
        with pytest.raises(Conflict, match="expected the file of a book"), exclusive_lock(path):
            pass
    assert sorted(one.name for one in tmp_path.iterdir()) == ["device.db", "folder.db"]


def test_a_book_made_through_a_dangling_link_is_private(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "real.db")
    bootstrap.create_demo(link, accounts=2).close()
    assert stat.S_IMODE((tmp_path / "real.db").stat().st_mode) == 0o600


def test_restore_refuses_a_book_that_is_read_and_keeps_a_copy_of_its_own(tmp_path: Path) -> None:
    path, backup, previous = tmp_path / "book.db", tmp_path / "backup.db", tmp_path / "previous.db"
    bootstrap.create_demo(backup, accounts=2).close()
    database = bootstrap.create_demo(path, accounts=3)
    viewer = bootstrap.open_database(path, read_only=True)
    viewer.connection.execute("BEGIN")
    viewer.rows("SELECT * FROM meta")
    with database.write() as tx:
        tx.execute("UPDATE meta SET value = 'changed' WHERE name = 'name'")
    database.close()
    with pytest.raises(Conflict, match="is open in another program"):
        restore(backup, path, previous, lambda _copy: None)
    viewer.close()
    assert not previous.exists()
    assert restore(backup, path, previous, lambda _copy: None)
    kept = bootstrap.open_database(previous, read_only=True)
    assert kept.rows("SELECT value FROM meta WHERE name = 'name'") == [("changed",)]
    kept.close()
    assert previous.stat().st_nlink == 1
