"""`rebal-tui report` through the command line."""

from __future__ import annotations

import re
import stat
import zipfile
from pathlib import Path

import pytest

from tests.cli.books import book, call, written


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "book.db"
    assert call("import", written(tmp_path, book()), "--db", path).code == 0
    assert call("evaluate", "--db", path).code == 0
    return path


def test_a_report_is_a_private_file_that_is_not_overwritten(db: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"

    assert call("report", "--db", db, "--account", "Ann", "-o", target).code == 0
    again = call("report", "--db", db, "--account", "Ann", "-o", target)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "Ann Example" in target.read_text(encoding="utf-8")
    assert (again.code, "already exists" in again.err) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("fmt", ["md", "csv"])
def test_other_formats_tell_the_same(db: Path, fmt: str) -> None:
    made = call("report", "--db", db, "--portfolio", "Balanced", "--format", fmt)
    assert made.code == 0
    assert "Evaluated against Balanced: full rebalance" in made.out.replace("\\", "")


def test_a_workbook_has_a_sheet_for_each_kind_of_table_and_only_text(db: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.xlsx"

    assert call("report", "--db", db, "--book", "--format", "xlsx", "-o", target).code == 0

    with zipfile.ZipFile(target) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    names = re.findall(r'<sheet name="([^"]+)"', parts["xl/workbook.xml"])
    assert names[:3] == ["Report", "Days", "Events"]
    assert {"Checks", "Holdings and prices"} <= set(names)
    assert "Evaluated against Balanced: full rebalance" in parts["xl/sharedStrings.xml"]
    sheets = [text for name, text in parts.items() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == len(names)
    cells = [cell for text in sheets for cell in re.findall(r"<c [^>]*>", text)]
    assert cells
    assert all('t="s"' in cell for cell in cells)
    assert not any("<f>" in text for text in sheets)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "expected one of --account, --run, --portfolio and --book"),
        (("--book", "--account", "Ann"), 2, "expected one of"),
        (("--run", "x", "--from", "2026-01-01"), 2, "--run has no --from and --to"),
        (("--book", "--from", "2026-02-01", "--to", "2026-01-01"), 2, "is after"),
        (("--book", "--format", "xlsx"), 2, "xlsx is no text; expected --output FILE"),
        (("--run", "nothing"), 1, "nothing"),
        (("--account", "nobody"), 1, "account: no account has that name"),
    ],
)
def test_a_wrong_request_is_refused(db: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    refused = call("report", "--db", db, *arguments)
    assert (refused.code, says in refused.err, "Traceback" in refused.err) == (code, True, False)
