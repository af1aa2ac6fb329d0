"""Paths as a person gives them: what they mean, and what is refused without a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.typed_paths import read_path, require_input, require_output, start_folder
from tests.cli.books import book, call, written


@pytest.mark.parametrize("text", ["/a/b c.csv", " '/a/b c.csv' ", '"/a/b c.csv"', "/a/b\\ c.csv"])
def test_quotes_and_escaped_blanks_of_a_dropped_file_are_read(text: str) -> None:
    assert read_path(text) == Path("/a/b c.csv")


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert read_path("~/x.csv") == Path("/home/ann/x.csv")


@pytest.mark.parametrize("text", ["~nosuchuser/x.csv", "", "  ", "''", "a\0b.csv", "a\nb.csv"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_path(text)


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "none/x.csv", ".", "a-file/x.csv"])
def test_an_output_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    with pytest.raises(Conflict):
        require_output(tmp_path / name)


@pytest.mark.parametrize("name", ["x" * 300, "none/x.json", "."])
def test_an_input_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        require_input(tmp_path / name)


def test_a_removed_start_folder_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert start_folder() == Path.home()
    with pytest.raises(Conflict):
        require_output(read_path("x.csv"))


def test_an_export_never_replaces_a_book_or_its_files(tmp_path: Path) -> None:
    db = tmp_path / "book.db"
    assert call("import", written(tmp_path, book()), "--db", db).code == 0
    before = db.read_bytes()
    (tmp_path / "link.csv").symlink_to(db)
    os.link(db, tmp_path / "hard.csv")
    (tmp_path / "other.db-wal").write_text("no book has this name")
    for name in ("book.db", "book.db-wal", "book.db-shm", "book.db-journal", "book.db.lock", "link.csv", "hard.csv"):
        refused = call("export", "runs", "--format", "csv", "--db", db, "-o", tmp_path / name, "--force")
        assert (refused.code, " of the book " in refused.err or " is a book" in refused.err) == (1, True), name
    assert db.read_bytes() == before
    done = call("export", "runs", "--format", "csv", "--db", db, "-o", tmp_path / "other.db-wal", "--force")
    assert done.code == 0
