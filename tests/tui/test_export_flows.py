"""The dialog of `x`: the rows shown, the whole book, or a report, to a file."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.widgets import Input, Static

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Percent, Value
from rebal_tui.services.maintenance.export import table_text
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.notices import Notice
from rebal_tui.tui.screens.desk import columns as desk_columns
from rebal_tui.tui.screens.portfolios import columns as portfolio_columns
from rebal_tui.tui.screens.shared import export_choices
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import TabBar
from tests.tui.driving import drive, make_app, press, screen_text, settle, shown_messages
from tests.tui.fakes import FakeBackend
from tests.tui.simulated import market_book, run
from tests.tui.views import desk_row

pytestmark = pytest.mark.slow


def test_the_rows_shown_are_written_in_their_order_with_their_columns(tmp_path: Path) -> None:
    backend, texts = FakeBackend(), list[str]()

    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "slash", *"okafor", "enter")
        for name in ("rows.csv", "rows.json"):
            await press(pilot, "x")
            app.screen.query_one("#export-path").value = str(tmp_path / name)  # type: ignore[attr-defined]
            await press(pilot, "enter")
        texts.append(screen_text(app))
        assert f"Wrote 4 of 40 accounts to {tmp_path / 'rows.json'}." in shown_messages(app)

    drive(script, make_app(backend))
    table = list(csv.DictReader((tmp_path / "rows.csv").read_text("utf-8").splitlines()))
    assert table == json.loads((tmp_path / "rows.json").read_text("utf-8"))
    shown = [line for line in texts[0].splitlines() if re.match(r".{4}Okafor", line)]
    assert len(shown) == len(table)
    for row, line in zip(table, shown, strict=True):
        assert row["Client"][:14] in line
        assert f"{row['Band used %']} %" in line
        assert row["Account"] not in line, "a column that does not fit; the number distinguishes accounts of one name"
    assert len({row["Account"] for row in table}) == len(table)
    assert not any(character in str(table) for character in "▏▕█┃")


def test_the_rows_written_are_those_shown_when_the_file_is_written() -> None:
    value: Column[str] = Column("value", "Value", 8, lambda row: row)
    table = SimpleNamespace(rows=("1.50",), exported_columns=(value,), total=1)
    choice = export_choices.shown_rows(table, "rows", "row")
    table.rows = ("1.25",)

    async def written() -> str | bytes:
        return (await choice.make("csv", lambda _done, _total: None)).content

    assert asyncio.run(written()) == "Value\r\n1.25\r\n"


def test_the_path_of_a_written_file_stays_until_a_key_is_pressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Notice, "seconds", 0.01)

    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "x")
        app.screen.query_one("#export-path").value = str(tmp_path / "rows.csv")  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await pilot.pause(0.05)
        assert "rows.csv" in screen_text(app)
        await press(pilot, "down")
        assert "rows.csv" not in screen_text(app)

    drive(script)


def test_left_and_right_choose_what_is_exported_outside_the_path() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "x")
        bar, path = app.screen.query_one(TabBar), app.screen.query_one("#export-path", Input)
        first = bar.current
        await press(pilot, "left")
        assert bar.current == first
        assert path.cursor_position == 0, "it moves the cursor of the path"
        await press(pilot, "tab", "right")
        assert bar.current != first
        await press(pilot, "left")
        assert bar.current == first

    drive(script)


def test_rows_shown_are_written_for_another_program() -> None:
    """No marks, no separators of thousands, nothing for nothing, and text in place of a bar."""
    weights = Weights((AssetWeight("SPY", Percent(6000)), AssetWeight("TLT", Percent(3500))), Percent(500))
    total = Value(61_878_571 * 10**16)
    row = PortfolioRow("p", "All Equity", "", "inactive", weights, (), "", 7, 12_345, total, False)
    cells = {column.key: export_choices.cell_text(column, row) for column in portfolio_columns.columns()}
    assert cells["status"] == "inactive"
    assert cells["weights"] == "SPY 60.00; TLT 35.00; cash 5.00"
    assert (cells["subscribers"], cells["assets"]) == ("12345", "618785.71")
    empty: Column[PortfolioRow] = Column("none", "None", 3, lambda _row: (("·", "rule"),))
    name: Column[PortfolioRow] = Column("name", "Name", 3, lambda _row: "1,000 Oaks – Trust", "left")
    assert export_choices.cell_text(empty, row) == ""
    assert export_choices.cell_text(name, row) == "1,000 Oaks – Trust"


@pytest.mark.parametrize(
    ("shown", "written"), [("+2.89", "2.89"), ("-6.30", "-6.30"), ("−1,234.5", "-1234.5"), ("-0.41 %", "-0.41")]
)
def test_a_signed_figure_is_a_number_in_a_spreadsheet(shown: str, written: str) -> None:
    column: Column[str] = Column("drift", "Drift pp", 8, lambda text: text, "right", unit="%")
    text = export_choices.cell_text(column, shown)
    assert text == written
    assert table_text(["Drift pp"], [{"Drift pp": text}], "csv").splitlines() == ["Drift pp", written]


def test_a_day_of_a_list_is_written_with_its_year() -> None:
    row = desk_row(0)
    column = next(column for column in desk_columns.columns() if column.key == "last")
    assert export_choices.cell_text(column, replace(row, last_rebalanced=date(2025, 11, 12))) == "2025-11-12"
    assert export_choices.cell_text(column, replace(row, last_rebalanced=None)) == "never"


def test_a_report_of_the_row_is_asked_for_where_rows_have_one(tmp_path: Path) -> None:
    asked: list[tuple[ReportSubject, str]] = []
    book = market_book()

    def make_report(subject: ReportSubject, fmt: str) -> bytes:
        asked.append((subject, fmt))
        return b"report"

    async def flow(pilot: Any, app: RebalApp) -> None:
        async def write(name: str) -> None:
            app.screen.query_one("#export-path").value = str(tmp_path / name)  # type: ignore[attr-defined]
            await press(pilot, "enter")

        await press(pilot, "x", "down")
        assert "account-report-client-a.html" in screen_text(app)
        await write("a.md")
        await press(pilot, "enter", "x")
        assert "account-report-client-a.html" in screen_text(app)
        await write("b.xlsx")
        await press(pilot, "escape", "2", "x", "down")
        await write("c.pdf")
        assert "Name it .html, .md, .csv or .xlsx." in screen_text(app)
        await write("c.csv")
        await press(pilot, "8", "x", "down", "down")
        assert "Report of" not in screen_text(app)

    run(flow, book, "1", make_report=make_report)
    account = asked[0][0]
    assert account.kind is ReportKind.ACCOUNT
    assert account.text in book.accounts
    assert asked[:2] == [(account, "md"), (account, "xlsx")]
    assert [(subject.kind, fmt) for subject, fmt in asked[2:]] == [(ReportKind.PORTFOLIO, "csv")]
    assert (tmp_path / "b.xlsx").read_bytes() == b"report"


def test_a_decision_has_a_report_of_its_day(tmp_path: Path) -> None:
    asked: list[ReportSubject] = []

    def make_report(subject: ReportSubject, _fmt: str) -> bytes:
        asked.append(subject)
        return b"report"

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "v", "y", "enter", "t", "t", "t", "t", "x")
        assert "Report of" in screen_text(app)
        app.screen.query_one("#export-path").value = str(tmp_path / "day.html")  # type: ignore[attr-defined]
        await press(pilot, "enter")

    run(flow, market_book(), "1", make_report=make_report)
    assert (asked[0].first, asked[0].last) == (date(2026, 3, 2), date(2026, 3, 2))


def test_an_export_is_private_and_confirms_before_it_overwrites(tmp_path: Path) -> None:
    backend = FakeBackend()
    path = tmp_path / "out.json"

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        for _ in range(2):
            await press(pilot, "x", "down")
            app.screen.query_one("#export-path").value = str(path)
            await press(pilot, "enter")
        assert "exists and will be replaced" in screen_text(app)
        await press(pilot, "escape", "escape")
        await press(pilot, "x")
        app.screen.query_one("#export-path").value = str(tmp_path / "nowhere" / "out.csv")
        await press(pilot, "enter")
        assert "Folder not found: " in screen_text(app)

    drive(script, make_app(backend))
    assert backend.calls == ["export accounts json"]
    assert path.read_text() == "[]\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_without_a_folder_is_shown_with_its_folder_before_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "x", *"rows.csv")
        assert str(app.screen.query_one("#export-note", Static).content).startswith(f"In {tmp_path}. Name it .csv")
        await press(pilot, "enter")
        assert f"Wrote 40 of 40 accounts to {tmp_path / 'rows.csv'}." in shown_messages(app)

    drive(script)
    assert (tmp_path / "rows.csv").exists()


@pytest.mark.parametrize("error", [Conflict("the disk is full"), OSError(28, "No space left on device")])
def test_a_failed_export_shows_why_and_no_progress(tmp_path: Path, error: Exception) -> None:
    backend = FakeBackend()

    async def advance(made: SimpleNamespace) -> bool:
        if made.done:
            raise error
        made.done, made.total = 34_000, 100_000
        return True

    backend.answers[export_choices.advance] = advance

    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "x", "down")
        app.screen.query_one("#export-path").value = str(tmp_path / "out.csv")  # type: ignore[attr-defined]
        await press(pilot, "enter")
        shown = screen_text(app)
        assert "he disk is full." in shown or "No space left on device." in shown
        assert "of 100,000" not in shown
        assert "Only you can read the file." in shown

    drive(script, make_app(backend))


def test_a_long_export_reports_progress_and_ends_when_left(tmp_path: Path) -> None:
    backend = FakeBackend()
    left: list[int] = []

    async def advance(made: SimpleNamespace) -> bool:
        if not made.done:
            made.done, made.total = 34_000, 100_000
            return True
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            left.append(made.done)
            raise
        return False

    backend.answers[export_choices.advance] = advance

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await pilot.press("x", "down")
        await pilot.pause()
        app.screen.query_one("#export-path").value = str(tmp_path / "out.csv")
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "34,000 of 100,000" in screen_text(app)
        assert app.heartbeat_lock.locked()
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is app.section
        assert "Export canceled; no file was written." in shown_messages(app)
        assert not app.heartbeat_lock.locked()

    drive(script, make_app(backend))
    assert left == [34_000]
    assert not list(tmp_path.iterdir())
