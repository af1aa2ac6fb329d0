"""A files book by commands: from nothing to a trade list in five lines (R-70 to R-75)."""

from __future__ import annotations

import csv
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from rebal_tui import opening
from rebal_tui.cli import positions_import
from rebal_tui.cli.program import program
from tests.cli.books import call


def _ok(*arguments: str) -> str:
    result = call(*arguments)
    assert result.code == 0, result.out + result.err
    return result.out


def _refused(*arguments: str) -> str:
    result = call(*arguments)
    assert result.code == 1, result.out
    return result.err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    written = _ok("sample", "positions.csv", "--accounts", "12", "--portfolio", "model.json")
    assert written == "12 invented accounts written to positions.csv, a portfolio for them to model.json.\n"
    return tmp_path


@pytest.mark.slow
def test_five_lines_from_nothing_to_a_trade_list(folder: Path) -> None:
    assert "12 new accounts" in _ok("import", "positions.csv", "--db", "book.db")
    assert "12 accounts now follow" in _ok("subscribe", "model.json", "--all", "--db", "book.db")
    evaluated = _ok("evaluate", "--db", "book.db")
    assert evaluated.splitlines()[-1].startswith("12 runs await approval; 'rebal-tui approve --all' approves")
    assert evaluated.count("full_rebalance") == 12, "each account once"
    assert "QUEUED" not in evaluated
    assert "12 runs approved" in _ok("approve", "--all", "--db", "book.db")
    assert "List 1 with" in _ok("trades", "list.csv", "--db", "book.db")
    with (folder / "list.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    cash = {
        row["Account number"]: Decimal(row["Value"])
        for row in csv.DictReader((folder / "positions.csv").read_text().splitlines()[1:])
        if row["Symbol"] == "CASH"
    }
    for account, free in cash.items():
        own = [row for row in rows if row["account"] == account]
        sold, bought = (
            sum(Decimal(row["estimated_amount"]) for row in own if row["side"] == side) for side in ("sell", "buy")
        )
        assert bought <= free + sold * Decimal("0.9975")
    assert {row["line"] for row in rows} == {f"1-{line}" for line in range(1, len(rows) + 1)}
    assert "copy 1" in _ok("trades", "again.csv", "--list", "1", "--db", "book.db")
    assert (folder / "again.csv").read_text() == (folder / "list.csv").read_text()
    _ok("check", "--db", "book.db")


def test_a_files_book_is_exported_and_reported_like_any_other(folder: Path) -> None:
    _ok("import", "positions.csv", "--db", "book.db")

    exported = list(csv.DictReader(_ok("export", "accounts", "--format", "csv", "--db", "book.db").splitlines()))

    assert len(exported) == 12
    assert "Broker: files of a custodian" in _ok("report", "--book", "--format", "md", "--db", "book.db")


@pytest.mark.slow
def test_an_exported_portfolio_is_subscribed_to(folder: Path) -> None:
    _ok("import", "positions.csv", "--db", "book.db")
    _ok("subscribe", "model.json", "S1000", "--db", "book.db")
    whole = json.loads(_ok("export", "portfolios", "--format", "json", "--db", "book.db"))
    (exported,) = whole["portfolios"]
    for raw in (whole, exported):
        Path("again.json").write_text(json.dumps(raw))
        assert "now follow" in _ok("subscribe", "again.json", "S1001", "--db", "book.db")
    weight = next(weight for weight in exported["weights"] if weight["asset_id"])
    weight["asset_id"] = "other"
    Path("again.json").write_text(json.dumps(exported))
    refused = _refused("subscribe", "again.json", "S1002", "--db", "book.db")
    assert "again.json, weights" in refused
    assert "has another id in this book" in refused
    Path("again.json").write_text(json.dumps([exported, exported]))
    assert "again.json: expected one portfolio, found 2" in _refused(
        "subscribe", "again.json", "--all", "--db", "book.db"
    )


@pytest.mark.slow
def test_every_format_is_written_as_its_taker_reads_it(folder: Path) -> None:
    for line in (
        ("import", "positions.csv"), ("subscribe", "model.json", "--all"), ("evaluate",), ("approve", "--all"),
        ("trades", "list.csv"),
    ):  # fmt: skip
        _ok(*line, "--db", "book.db")
    again = ("--list", "1", "--db", "book.db")
    _ok("trades", "basket.csv", "--format", "ibkr", *again)
    head, first, *_ = (folder / "basket.csv").read_bytes().decode().split("\r\n")
    assert head.startswith("Action,Quantity,Symbol,SecType,Exchange,Currency,TimeInForce,OrderType,BasketTag,Account")
    assert first.split(",")[3:9] == ["STK", "SMART", "USD", "DAY", "MKT", "L1-1"]
    _ok("trades", "blocks.csv", "--format", "blocks", *again)
    rows = list(csv.DictReader((folder / "blocks.csv").open(newline="")))
    for number in {row["block"] for row in rows}:
        shares = [Decimal(row["quantity"]) for row in rows if row["block"] == number]
        assert shares[0] == sum(shares[1:])
    assert "--codes" in _refused("trades", "w.csv", "--format", "wealthscape", *again)
    assert "unproven" in _ok("trades", "w.csv", "--format", "wealthscape", "--codes", "B,S,M,D", *again)
    assert (folder / "w.csv").read_text().splitlines()[0].split(",")[2] in ("B", "S")


def test_a_dry_run_prints_json_and_stores_nothing(folder: Path) -> None:
    shown = json.loads(_ok("import", "positions.csv", "--db", "book.db", "--dry-run", "--json"))
    assert (shown["format"], len(shown["accounts"])) == ("generic", 12)
    assert set(shown["accounts"][0]) == {"number", "name", "cash", "positions"}
    assert os.listdir(folder) == ["positions.csv", "model.json"] or "book.db" not in os.listdir(folder)


@pytest.fixture
def undated(folder: Path) -> str:
    """The name of a positions file without a date, with a column that is not used."""
    rows = ["Account,Client,Symbol,Quantity,Price,Sector", '1001,"Miller, Anna",VTI,5,285,US', "1002,Bo,VTI,1,285,US"]
    (folder / "undated.csv").write_text("\n".join(rows))
    return "undated.csv"


def test_a_dry_run_refuses_what_the_import_refuses(folder: Path, undated: str) -> None:
    refused = _refused("import", undated, "--db", "book.db", "--dry-run")
    assert refused == (
        "undated.csv: the file has no date: give it with --as-of, such as --as-of 2026-11-27 or --as-of "
        '"2026-11-27 16:00"\n'
    )
    assert _refused("import", undated, "--db", "book.db") == refused
    future = ("import", undated, "--db", "book.db", "--as-of", "2096-01-01")
    assert "in the future" in _refused(*future)
    assert _refused(*future) == _refused(*future, "--dry-run") == _refused(*future, "--dry-run", "--json")
    assert not (folder / "book.db").exists()


def test_a_dry_run_as_json_shows_that_a_file_has_no_date(folder: Path, undated: str) -> None:
    shown = call("import", undated, "--db", "book.db", "--dry-run", "--json")
    assert (shown.code, json.loads(shown.out)["as_of"]) == (0, None)
    assert "the file has no date: give it with --as-of" in shown.err
    dated = ("import", undated, "--db", "book.db", "--json", "--as-of", "2025-11-25 12:30")
    assert json.loads(_ok(*dated, "--dry-run"))["as_of"] == "2025-11-25T12:30:00-05:00"
    assert json.loads(_ok(*dated))["as_of"] == "2025-11-25T12:30:00-05:00"


def test_a_given_date_means_its_close_and_is_shown(folder: Path, undated: str) -> None:
    dated = ("import", undated, "--db", "book.db", "--as-of", "2025-11-25")
    first, *_ = dry = _ok(*dated, "--dry-run").splitlines()
    assert first == "generic, 2025-11-25T16:00:00-05:00, utf-8: 2 accounts, 2 positions"
    assert dry[-2:] == ["Columns not used: Sector.", "Nothing was stored."]
    assert _ok(*dated).splitlines()[0] == first
    assert "nothing changes" in _ok(*dated)


def test_a_first_import_says_where_the_book_is_and_what_comes_next(folder: Path, undated: str) -> None:
    dated = ("import", undated, "--as-of", "2025-11-25")
    line = "Book: my book.db. Next: 'rebal-tui subscribe model.json --all --db \"my book.db\"', or "
    assert line in (done := _ok(*dated, "--db", "my book.db"))
    assert done.endswith("or 'rebal-tui --db \"my book.db\"' to open it.\n")
    assert "Next" not in _ok("import", undated, "--as-of", "2025-11-26", "--db", "my book.db")
    assert "Next" not in _ok(*dated, "--db", "other.db", "--json")


def test_a_rename_in_a_later_file_is_shown_as_it_is_stored(folder: Path, undated: str) -> None:
    _ok("import", undated, "--db", "book.db", "--as-of", "2025-11-25")
    (folder / undated).write_text((folder / undated).read_text().replace("Bo", "Bob"))
    done = _ok("import", undated, "--db", "book.db", "--as-of", "2025-11-26")
    assert "1002     name    Bo → Bob" in done
    assert done.endswith("\n1 renamed, 1 unchanged.\n")
    assert "Bob" in _ok("export", "accounts", "--format", "csv", "--db", "book.db")


def test_refusals_leave_no_file_behind(folder: Path) -> None:
    (folder / "bad.csv").write_text("Account,Symbol,Quantity\nA1,AAA,x\n")
    refused = _refused("import", "bad.csv", "--db", "new.db")
    assert "line 2, Quantity: got 'x', expected a number such as 1234.56" in refused
    assert not (folder / "new.db").exists()
    _ok("demo", "--help")
    undated = (folder / "positions.csv").read_text().split("\n", 1)[1]
    (folder / "undated.csv").write_text(undated)
    assert "--as-of" in _refused("import", "undated.csv", "--db", "new.db")
    assert not (folder / "new.db").exists()


def test_positions_are_refused_by_a_book_of_another_kind(folder: Path) -> None:
    (folder / "book.json").write_text(
        json.dumps({"assets": [], "accounts": [{"id": "a", "account_number": "1", "name": "A", "cash": "1"}],
                    "portfolios": [], "subscriptions": []})
    )  # fmt: skip
    _ok("import", "book.json", "--db", "sim.db")
    assert "not a files book" in _refused("import", "positions.csv", "--db", "sim.db")


@pytest.mark.slow
def test_a_book_that_the_screens_made_empty_is_replaced_and_kept_after_a_refusal(folder: Path) -> None:
    path = folder / "book.db"
    opening.open_book(path).database.close()
    before = path.read_bytes()
    (folder / "broken.csv").write_text("no,such\ncolumns,here\n")

    _refused("import", "broken.csv", "--db", "book.db")
    assert "12 new accounts" not in _ok("import", "positions.csv", "--dry-run", "--db", "book.db")
    assert path.read_bytes() == before

    assert "12 new accounts" in _ok("import", "positions.csv", "--db", "book.db")
    _ok("check", "--db", "book.db")
    assert "not a files book" not in call("trades", "--db", "book.db").err
    assert sorted(one.name for one in folder.iterdir() if "book.db" in one.name) == ["book.db", "book.db.lock"]


@pytest.mark.slow
def test_an_empty_book_behind_a_link_is_replaced_and_the_link_stays(folder: Path) -> None:
    (folder / "books").mkdir()
    opening.open_book(folder / "books" / "real.db").database.close()
    (folder / "book.db").symlink_to(folder / "books" / "real.db")

    assert "12 new accounts" in _ok("import", "positions.csv", "--db", "book.db")

    assert (folder / "book.db").is_symlink()
    _ok("check", "--db", "books/real.db")
    assert "12 accounts" in _ok("check", "--db", "book.db")


def test_new_replaces_an_empty_book_of_another_kind(folder: Path) -> None:
    opening.open_book(folder / "book.db").database.close()
    assert "Empty files book" in _ok("new", "--db", "book.db")
    assert "already exists" in _refused("new", "--db", "book.db")


@pytest.mark.slow
def test_undo_prices_new_and_fills_by_hand(folder: Path) -> None:
    assert "Empty files book" in _ok("new", "--db", "book.db", "--custodian", "generic")
    _ok("import", "positions.csv", "--db", "book.db")
    assert "nothing changes" in _ok("import", "positions.csv", "--db", "book.db")
    assert "12 accounts removed" in _ok("import", "--undo", "--db", "book.db")
    _ok("import", "positions.csv", "--db", "book.db")
    assert "whole shares" in _ok("custodian", "generic", "--db", "book.db")
    changed = _ok("custodian", "generic", "--fractions", "--cash", "none", "--pairs", "B=BND", "--db", "book.db")
    assert changed == "generic: nothing counts as cash; symbol pairs: B=BND; orders in fractions of shares.\n"
    assert "expected 0 to 10" in _refused("custodian", "generic", "--buffer", "11", "--db", "book.db")
    _ok("custodian", "generic", "--whole-shares", "--cash", "CASH", "--pairs", "none", "--db", "book.db")
    assert "2 new prices" in _ok("prices", "--set", "NEW=1.5", "--set", "VTI=285", "--db", "book.db")
    for line in (("subscribe", "model.json", "S1000"), ("evaluate",), ("approve", "--all"), ("trades", "list.csv")):
        _ok(*line, "--db", "book.db")
    _ok("fills", "--list", "1", "--line", "1", "--qty", "1", "--price", "240", "--db", "book.db")
    assert "lines of list 1 ended" in _ok("trades", "--close", "1", "--db", "book.db")


def test_positions_are_stored_though_nobody_reads_the_output(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_text: str) -> None:
        raise BrokenPipeError

    with monkeypatch.context() as patched:
        patched.setattr(positions_import, "write", closed)
        with pytest.raises(BrokenPipeError):
            program.main(["import", "positions.csv", "--db", "book.db"], standalone_mode=False)

    assert "imported already" in _ok("import", "positions.csv", "--db", "book.db")


@pytest.mark.parametrize("content", ["neither,of\nthem,all\n", "account,symbol,quantity\n1,SPY,5\n"])
def test_a_refused_first_import_leaves_no_file(folder: Path, content: str) -> None:
    before = {path.name for path in folder.iterdir()}
    Path("bad.csv").write_text(content)

    _refused("import", "bad.csv", "--db", "new.db")

    assert {path.name for path in folder.iterdir()} == {*before, "bad.csv"}
