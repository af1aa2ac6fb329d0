"""Reports and exports of the linear mode: the files that the screens write."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from rebal_tui.services.maintenance.export import export_text
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from tests.plain.talking import answer, session, talk
from tests.tui.simulated import market_book


def test_the_last_list_is_exported_as_the_screen_shows_it(tmp_path: Path) -> None:
    book, path = market_book(), tmp_path / "some.csv"
    lines = talk(book, "accounts n-a", "export list", "some.txt", str(path))
    assert lines[-2:] == ["> " + str(path), f"Wrote 1 of 5 accounts to {path}."]
    assert "Name it .csv or .json." in lines
    head, row = path.read_text().splitlines()
    assert head.startswith("Client,Broker status,Equity $,Cash $,")
    assert row.startswith("Client a,ACTIVE,")
    assert path.stat().st_mode & 0o77 == 0
    assert answer(book, "export list")[-1].startswith("List accounts, desk, runs, portfolios")


@pytest.mark.slow
@pytest.mark.parametrize("listing", ["desk", "runs", "portfolios", "withdrawals"])
def test_each_list_can_be_exported(listing: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    assert talk(market_book(), listing, "export list", str(path))[-1].startswith("Wrote ")
    json.loads(path.read_text())


def test_the_whole_book_is_exported_and_a_file_is_replaced_after_a_question(tmp_path: Path) -> None:
    book, path = market_book(), tmp_path / "accounts.json"
    assert talk(book, "export accounts", str(path))[-1] == f"Wrote all accounts of the book to {path}."
    assert path.read_text() == export_text(book, "accounts", "json")
    path.write_text("mine")
    assert talk(book, "export accounts", str(path), "no")[-1] == "Canceled, nothing was changed."
    assert path.read_text() == "mine"
    talk(book, "export accounts", str(path), "yes")
    assert path.read_text() != "mine"
    assert talk(book, "export nothing")[-1].startswith("Type export and one of runs, orders, ")


def test_a_report_is_written_after_its_days(tmp_path: Path) -> None:
    book, path, made = market_book(), tmp_path / "a.html", []

    def make(subject: ReportSubject, fmt: str) -> bytes:
        made.append((subject, fmt))
        return b"report"

    lines = session(
        book, "report account a", "yesterday", "2026-02-01", "2026-01-01", "", str(path), make_report=make
    )[1]  # fmt: skip
    assert "First day: expected a date such as 2026-03-16." in lines
    assert "Last day: expected 2026-02-01 or later." in lines
    assert lines[-1] == f"Wrote the report of Client a to {path}."
    assert made == [(ReportSubject(ReportKind.ACCOUNT, "a", date(2026, 2, 1), None), "html")]
    assert path.read_bytes() == b"report"
    held, lines = session(book, "report", "report portfolio none", "report book", "cancel", make_report=make)
    assert held.refused
    assert lines[-1] == "Canceled, nothing was changed."
    assert len(made) == 1
