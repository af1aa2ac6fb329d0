"""A new book appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict, Halt, ReadOnly
from rebal_tui.store.database import Database
from rebal_tui.store.new_file import built_beside
from tests.cli.books import call


def test_a_new_file_replaces_what_a_killed_attempt_left(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    for name in ("book.db.partial", "book.db.partial-wal", "book.db.partial-shm"):
        (tmp_path / name).write_bytes(b"left")
    with built_beside(path) as new:
        bootstrap.create_demo(new, accounts=1).close()
        assert not path.exists()
    assert [one.name for one in tmp_path.iterdir()] == ["book.db"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    with pytest.raises(Conflict, match=r"book\.db already exists"), built_beside(path) as new:
        assert new.write_bytes(b"ours") + path.write_bytes(b"theirs")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("book.db", b"theirs")]


def test_a_link_stays_and_a_missing_folder_behind_it_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "real.db")
    with built_beside(link) as new:
        new.write_bytes(b"book")
    assert (link.is_symlink(), (tmp_path / "real.db").read_bytes()) == (True, b"book")
    lost = tmp_path / "lost.db"
    lost.symlink_to(tmp_path / "gone" / "real.db")
    with pytest.raises(Conflict, match="cannot be created"), built_beside(lost) as new:
        new.write_bytes(b"book")


@pytest.mark.parametrize("command", [("demo", "--headless", "1"), ("serve", "--sandbox", "--port", "0")])
def test_a_full_disk_leaves_no_file_that_blocks_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    def full(database: Database) -> None:
        raise database.halt(Halt.DISK_FULL, "database or disk is full")

    monkeypatch.setattr(Database, "claim_epoch", full)
    path = tmp_path / "new.db"
    refused = call(*command, "--db", path)
    assert (refused.code, refused.err.startswith(f"{path}: the disk is full")) == (1, True)
    assert [one.name for one in tmp_path.iterdir()] == ["new.db.lock"]


def test_the_reason_why_writing_stopped_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    with pytest.raises(ReadOnly) as stopped, built_beside(path) as new:
        raise ReadOnly(Halt.IO_ERROR, f"{new} cannot be written", str(new))
    assert (stopped.value.halt, stopped.value.path, str(stopped.value)) == (
        Halt.IO_ERROR, str(path), f"{path} cannot be written"
    )  # fmt: skip
