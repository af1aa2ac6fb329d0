"""`rebal-tui archive`, and what check, backup, restore and report write about an archive."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.books import call
from tests.services.maintenance.archived_books import make_book

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("years") / "book.db"
    make_book(path)
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "book.db"))


def test_nothing_is_moved_without_apply(path: Path) -> None:
    content = path.read_bytes()
    result = call("archive", "--db", path)
    assert result.code == 0
    assert "2024  3 runs, 8 decisions\n2025  4 runs, 10 decisions\n" in result.out
    assert f"would move 6 runs and 17 decisions to 2025 to {path.with_name('book-archive.db')}\n" in result.out
    assert path.read_bytes() == content
    assert not path.with_name("book-archive.db").exists()


def test_the_commands_read_both_files_and_say_so(path: Path, tmp_path: Path) -> None:
    before = call("report", "--account", "Ada", "--to", "2025-06-30", "--format", "csv", "--db", path).out
    result = call("archive", "--through", "2025", "--apply", "--compact", "--db", path)
    assert result.code == 0
    assert "verified; " in result.out
    assert call("check", "--db", path).code == 0
    assert call("report", "--account", "Ada", "--to", "2025-06-30", "--format", "csv", "--db", path).out == before
    backup = call("backup", tmp_path / "copy.db", "--db", path)
    assert "the years to 2025 are in book-archive.db, which is not in it" in backup.err
    restored = call("restore", tmp_path / "copy.db", "--db", path)
    assert "its archive with the years to 2025 stays book-archive.db" in restored.err
    assert call("check", "--db", path).code == 0

    away = tmp_path / "away.db"
    path.with_name("book-archive.db").rename(away)
    report = call("report", "--account", "Ada", "--to", "2025-06-30", "--format", "md", "--db", path).out
    assert "Not complete: the archive with the years to 2025" in report
    checked = call("check", "--db", path)
    assert checked.code == 1
    assert checked.err.startswith("archive: the archive with the years to 2025")
    elsewhere = call("restore", tmp_path / "copy.db", "--db", tmp_path / "elsewhere" / "book.db")
    assert elsewhere.code == 0
    assert "is missing" in elsewhere.err
    assert call("archive", "--found", away, "--db", path).code == 0
    assert call("check", "--db", path).code == 0
    assert call("report", "--account", "Ada", "--to", "2025-06-30", "--format", "csv", "--db", path).out == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--through", "2026", "--apply"), "only years before 2026 can be archived"),
        (("--through", "last"), "expected a year such as 2025"),
        (("--found", "book.db", "--apply"), "--found is given alone"),
    ],
)
def test_what_is_refused(path: Path, options: tuple[str, ...], message: str) -> None:
    result = call("archive", *options, "--db", path)
    assert result.code != 0
    assert message in result.err
