"""What surrounds a command: standard output that is named, closed or full, a pipe as input, the clock, the disk."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rebal_tui.domain.errors import Conflict, Halt
from rebal_tui.store.database import Database
from rebal_tui.typed_paths import require_output
from tests.cli.books import book, call, written

PROGRAM = (sys.executable, "-m", "rebal_tui")
EXPORT = ("export", "audit", "--format", "json")
CLOSED = f"standard output: {os.strerror(errno.EBADF)}\n"


def db_of(folder: Path) -> Path:
    path = folder / "book.db"
    assert call("import", written(folder, book()), "--db", path).code == 0
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_an_output_file_can_be_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    db = db_of(tmp_path)
    printed = call(*EXPORT, "--db", db)
    assert call(*EXPORT, "--db", db, "-o", name) == printed
    report = call("report", "--book", "--format", "md", "--db", db, "-o", name)
    assert (report.code, report.out.startswith("#")) == (0, True)
    sample = call("sample", "--accounts", "2", name)
    assert sample.out.splitlines()[1].startswith("Account number,")
    assert "invented accounts" in sample.err, "what stdout gets is the file only"
    assert not (tmp_path / "-").exists()


def test_a_backup_and_the_screens_need_a_file(tmp_path: Path) -> None:
    refused = call("backup", "-", "--db", db_of(tmp_path))
    assert (refused.code, refused.err) == (1, "- stands for standard output; expected the path of a file\n")
    with pytest.raises(Conflict, match="standard output"):
        require_output(Path("-"))


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="closes file descriptors in the child")
@pytest.mark.parametrize("closed", [(1,), (0, 1), (0, 1, 2)])
@pytest.mark.parametrize("arguments", [("--help",), ("completion", "bash")])
def test_a_closed_standard_output_is_an_error_without_a_traceback(
    closed: tuple[int, ...], arguments: tuple[str, ...]
) -> None:
    redirections = " ".join(f"{number}>&-" for number in closed)
    command = f'"{sys.executable}" -m rebal_tui {" ".join(arguments)} {redirections}'
    result = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (1, "" if 2 in closed else CLOSED)


@pytest.mark.slow
def test_a_closed_pipe_causes_no_traceback(tmp_path: Path) -> None:
    db = db_of(tmp_path)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, *EXPORT, "--db", str(db)], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.slow
def test_a_full_standard_output_is_reported_in_one_line(tmp_path: Path) -> None:
    db = db_of(tmp_path)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, *EXPORT, "--db", str(db)], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert (done.returncode, done.stderr) == (1, "standard output: No space left on device\n")


def test_a_full_disk_names_the_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = tmp_path / "new.db"

    def full(database: Database) -> None:
        raise database.halt(Halt.DISK_FULL, "database or disk is full")

    monkeypatch.setattr(Database, "claim_epoch", full)
    refused = call("import", written(tmp_path, book()), "--db", db)
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert refused.err.startswith(f"{db}: the disk is full")
