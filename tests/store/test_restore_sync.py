"""A restored book is on the disk before it replaces the old one, and its name before the command ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rebal_tui.store.restore import restore
from tests.store.books import new_file


def test_the_copy_is_synced_before_it_replaces_the_book_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, path = tmp_path / "backup.db", tmp_path / "book.db"
    new_file().connection.execute("VACUUM INTO ?", (str(backup),))
    new_file().connection.execute("VACUUM INTO ?", (str(path),))
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{handle}')).name}")
        fsync(handle)

    def noted_replace(source: Path, target: Path) -> None:
        done.append(f"replace {Path(source).name} {Path(target).name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    restore(backup, path, tmp_path / "previous.db", lambda _copy: None)
    swap = done.index("replace book.db.restoring book.db")
    assert "sync book.db.restoring" in done[:swap]
    assert "sync book.db" in done[swap:]
    assert f"sync {tmp_path.name}" in done[swap:]
