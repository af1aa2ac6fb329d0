"""Paths as a person gives them: what they mean, and what is refused without a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rebal_tui.cli.parameters import write_file
from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.paths import exclusive_lock
from rebal_tui.typed_paths import (
    read_path,
    require_backup_target,
    require_input,
    require_input_file,
    require_output,
    start_folder,
)
from tests.cli.books import book, call, written


@pytest.mark.parametrize("text", ["/a/b c.csv", " '/a/b c.csv' ", '"/a/b c.csv"', "/a/b\\ c.csv"])
def test_quotes_and_escaped_blanks_of_a_dropped_file_are_read(text: str) -> None:
    assert read_path(text) == Path("/a/b c.csv")


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert read_path("~/x.csv") == Path("/home/ann/x.csv")


@pytest.mark.parametrize("text", ["~nosuchuser/x.csv", "", "  ", "''", "a\0b.csv", "a\nb.csv", "a\ud800b.csv"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_path(text)


def test_links_in_a_circle_and_a_standard_stream_are_no_book(tmp_path: Path) -> None:
    circle = tmp_path / "circle.db"
    circle.symlink_to(tmp_path / "back.db")
    (tmp_path / "back.db").symlink_to(circle)
    for db, why in ((circle, "in a circle"), (Path("-"), "standard stream")):
        for command in (("new",), ("demo", "--headless", "1"), ("check",)):
            refused = call(*command, "--db", db)
            assert (refused.code, why in refused.err) == (2, True), refused


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "none/x.csv", ".", "a-file/x.csv"])
def test_an_output_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    with pytest.raises(Conflict):
        require_output(tmp_path / name)


@pytest.mark.parametrize("check", [require_output, require_backup_target])
def test_a_link_into_a_missing_folder_names_that_folder(tmp_path: Path, check: Callable[[Path], bool]) -> None:
    link, folder = tmp_path / "x.csv", tmp_path / "gone"
    link.symlink_to(folder / "x.csv")
    with pytest.raises(Conflict, match=f"folder not found: {folder}$"):
        check(link)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
def test_a_pipe_or_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link, Path(os.devnull)):
        with pytest.raises(Conflict, match="device or a pipe"):
            write_file(path, "text", force=True)
        with pytest.raises(Conflict, match="device or a pipe"):
            require_backup_target(path)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["x" * 300, "none/x.json", "."])
def test_an_input_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        require_input(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
def test_the_screens_never_wait_for_a_pipe_or_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        require_input(path)
        with pytest.raises(Conflict, match="device or a pipe"):
            require_input_file(path)


@pytest.mark.parametrize(
    "command", [("demo", "--headless", "1", "--seed"), ("keys", "add"), ("check", "--db"), ("report", "--account")]
)
def test_an_argument_that_is_no_text_is_refused(command: tuple[str, ...]) -> None:
    refused = call(*command, "a\udcffb")
    assert (refused.code, refused.err) == (2, "a\\udcffb: expected text in UTF-8\n")


def test_a_removed_start_folder_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert start_folder() == Path.home()
    with pytest.raises(Conflict):
        require_output(read_path("x.csv"))


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", ".lock", ".serve", ".partial", ".restoring"])
def test_no_book_gets_the_name_of_a_file_beside_another_book(folder: Path, tmp_path: Path, suffix: str) -> None:
    name, copy = tmp_path / f"book.db{suffix}", tmp_path / "copy.db"
    assert call("backup", copy, "--db", folder / "book.db").code == 0
    for command in (
        ("import", folder / "book.json", "--db", name),
        ("restore", copy, "--db", name),
        ("new", "--db", name),
        ("demo", "--headless", "1", "--db", name),
        ("backup", name, "--db", folder / "book.db"),
    ):
        refused = call(*command)
        assert (refused.code, "no book can have this name" in refused.err) == (1, True), (command, refused)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db"]


def test_the_lock_of_a_book_that_is_being_created_is_no_output(tmp_path: Path) -> None:
    db = tmp_path / "new.db"
    db.touch()
    with exclusive_lock(db), pytest.raises(Conflict, match="a file of the book"):
        write_file(tmp_path / "new.db.lock", "text", force=True)


COMMANDS = (
    ("check", "--anchor", "{}", "--db", "book.db"),
    ("import", "{}", "--db", "new.db"),
    ("backup", "{}", "--db", "book.db"),
    ("restore", "{}", "--db", "book.db"),
    ("report", "--output", "{}", "--db", "book.db"),
    ("export", "runs", "--format", "csv", "--output", "{}", "--db", "book.db"),
    ("connect", "alpaca-sandbox", "--self-test", "--report", "{}", "--yes", "--db", "live.db"),
    ("replay", "{}"),
    ("lab", "--closes", "{}"),
    ("trades", "{}", "--db", "book.db"),
    ("check", "--db", "{}"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `book.db`."""
    made = tmp_path_factory.mktemp("paths")
    assert call("import", written(made, book()), "--db", made / "book.db").code == 0
    return made


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_refuses_what_is_no_path(
    command: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for path in ("", "~nosuchuser/x", "a\x1b[2Jb", "x" * 300, "none/x.csv"):
        done = call(*(part.format(path) for part in command))
        assert done.code in (1, 2), (path, done)
        assert done.out == ""
        assert done.err
        assert "Traceback" not in done.err
        assert "\x1b" not in done.err
    assert {path.name.partition("-")[0].removesuffix(".lock") for path in folder.iterdir()} <= {"book.json", "book.db"}


def test_a_backup_replaces_an_earlier_one_but_no_file_of_a_book_and_no_open_book(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    for suffix in ("-wal", "-shm", ".lock"):
        refused = call("backup", f"book.db{suffix}", "--db", "book.db", "--force")
        assert (refused.code, "a file of the book" in refused.err) == (1, True)
    (tmp_path / "link.db").symlink_to(tmp_path / "copy.db")
    assert call("backup", "~/copy.db", "--db", "book.db").code == 0
    assert call("backup", tmp_path / "link.db", "--db", "book.db", "--force").code == 0
    assert (tmp_path / "link.db").is_symlink()
    with exclusive_lock(tmp_path / "copy.db"):
        refused = call("backup", tmp_path / "link.db", "--db", "book.db", "--force")
    assert (refused.code, "is open in another rebal-tui" in refused.err) == (1, True)
