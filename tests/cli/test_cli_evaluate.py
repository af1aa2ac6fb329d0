"""`evaluate` on handwritten books."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rebal_tui.cli.evaluate_command import print_by_portfolio
from rebal_tui.domain.accounts import RESTRICTION_TEXTS, Restriction
from tests.cli.books import book, call, decision, verdicts, written

LONG_AGO = "2026-01-05T15:00:00Z"


def test_the_first_rebalance_buys_30000_and_17500(tmp_path: Path) -> None:
    made = decision(tmp_path, book())

    assert made["outcome"] == "full_rebalance"
    lines = {line["symbol"]: (line["side"], line["notional"], line["qty"]) for line in made["plan"]["lines"]}
    assert lines == {"SPY": ("buy", "30000.00", None), "TLT": ("buy", "17500.00", None)}
    assert verdicts(made)["first_rebalance"] == "fires"


@pytest.mark.parametrize(("spy", "cash", "outcome"), [("65", "3500", "none"), ("65.0001", "3499.99", "full_rebalance")])
def test_a_band_fires_beyond_its_limit_and_not_at_it(tmp_path: Path, spy: str, cash: str, outcome: str) -> None:
    """$6,500 of $10,000 is exactly 5 points above 60; TLT holds the cash at 5 %."""
    content = book(cash="500", last=LONG_AGO)
    tlt = {"65": "30", "65.0001": "29.9999"}[spy]
    content["accounts"][0]["positions"] = [{"symbol": "SPY", "qty": spy}, {"symbol": "TLT", "qty": tlt}]

    made = decision(tmp_path, content)

    assert made["outcome"] == outcome
    assert verdicts(made)["drift_band"] == ("fires" if outcome == "full_rebalance" else "no")


@pytest.mark.slow
@pytest.mark.parametrize("restriction", [restriction.value for restriction in Restriction])
def test_each_restriction_blocks_and_is_named(tmp_path: Path, restriction: str) -> None:
    made = decision(tmp_path, book(restrictions=(restriction,)))

    assert made["outcome"] == "blocked"
    assert made["reason"] == RESTRICTION_TEXTS[Restriction(restriction)]
    assert verdicts(made) == {"window": "pass", "portfolio_status": "pass", "account": "fail"}


def test_an_account_that_is_not_active_blocks(tmp_path: Path) -> None:
    made = decision(tmp_path, book(status="ACCOUNT_CLOSED"))

    assert (made["outcome"], verdicts(made)["account"]) == ("blocked", "fail")


@pytest.mark.parametrize(
    ("last", "outcome"), [("2026-11-18T15:00:00Z", "invest_cash"), ("2026-11-17T15:00:00Z", "full_rebalance")]
)
def test_the_cooldown_ends_after_seven_dates(tmp_path: Path, last: str, outcome: str) -> None:
    """100 % cash is far outside the bands; during the cooldown only the excess cash may be invested."""
    made = decision(tmp_path, book(last=last))

    assert made["outcome"] == outcome
    assert verdicts(made)["in_cooldown"] == ("holds_back" if outcome == "invest_cash" else "no")


def test_an_ineligible_asset_marks_its_portfolio(tmp_path: Path) -> None:
    result = call("evaluate", "--book", written(tmp_path, book(tlt_tradable=False)), "--json")

    assert result.code == 0
    assert result.json["decisions"][0]["outcome"] == "blocked"
    assert "TLT" in result.json["decisions"][0]["reason"]
    assert [(p["id"], p["status"]) for p in result.json["portfolios"]] == [("bal", "needs_adjustment")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        ("2026-11-27 12:30", "pass"),
        ("2026-11-27 12:30:01", "fail"),
        ("2026-11-27T17:30:00Z", "pass"),
        ("2026-11-27T09:29:59-05:00", "fail"),
        ("2026-11-26 12:00", "fail"),
        ("2026-11-27", "fail"),
    ],
)
def test_the_window_of_a_half_day_ends_at_1230(tmp_path: Path, at: str, verdict: str) -> None:
    made = decision(tmp_path, book(), "--at", at)

    assert made["trace"][0]["check"] == "window"
    assert made["trace"][0]["verdict"] == verdict


def test_ten_dollars_buy_ten_of_eleven_assets(tmp_path: Path) -> None:
    content = book(cash="10")
    symbols = [f"A{number:02}" for number in range(11)]
    content["assets"] = [{"symbol": symbol, "price": "50"} for symbol in symbols]
    content["portfolios"][0]["weights"] = [
        {"type": "asset", "symbol": symbol, "percent": "9.1" if symbol == "A00" else "9.09"} for symbol in symbols
    ]
    content["subscriptions"][0]["last_rebalanced_at"] = LONG_AGO

    made = decision(tmp_path, content)

    bought = [line["notional"] for line in made["plan"]["lines"] if line["side"] == "buy"]
    assert made["outcome"] == "invest_cash"
    assert bought == ["1.00"] * 10
    assert [order["reason"] for order in made["plan"]["skipped_orders"]] == ["ORDER_LESS_THAN_MIN_NOTIONAL"]


def test_a_missing_price_is_named(tmp_path: Path) -> None:
    content = book()
    del content["assets"][1]["price"]

    made = decision(tmp_path, content)

    assert (made["outcome"], made["reason"]) == ("blocked", "TLT has no price")


def test_a_malformed_book_lists_every_fault_with_its_location(tmp_path: Path) -> None:
    content = book(cash="12.5.0")
    content["assets"][0]["price"] = "-1"
    content["portfolios"][0]["weights"][1]["percent"] = "60.001"
    content["subscriptions"][0]["account_id"] = "nobody"

    path = written(tmp_path, content)
    result = call("evaluate", "--book", path, "--json")

    assert (result.code, result.out) == (1, "")
    locations = [line.partition(": ")[0] for line in result.err.splitlines()]
    assert locations == [
        f"{path}, assets[0].price",
        f"{path}, accounts[0].cash",
        f"{path}, portfolios[0].weights[1].percent",
        f"{path}, subscriptions[0].account_id",
    ]


@pytest.mark.slow
def test_a_second_evaluation_pass_of_the_session_meets_the_quota(tmp_path: Path) -> None:
    db = tmp_path / "book.db"
    assert call("import", written(tmp_path, book()), "--db", db).code == 0

    dry = call("evaluate", "--db", db, "--dry-run", "--json").json["decisions"]
    first = call("evaluate", "--db", db, "--json").json["decisions"]
    second = call("evaluate", "--db", db, "--json").json["decisions"]

    assert [dry[0]["outcome"], first[0]["outcome"], second[0]["outcome"]] == [
        "full_rebalance",
        "full_rebalance",
        "blocked",
    ]
    assert verdicts(second[0])["quota"] == "fail"
    (made,) = call("export", "runs", "--format", "json", "--db", db).json["runs"]
    assert made["status"] == "COMPLETED_SUCCESS"
    assert call("check", "--db", db).code == 0


def test_the_time_of_a_book_never_goes_back(tmp_path: Path) -> None:
    db = tmp_path / "book.db"
    call("import", written(tmp_path, book()), "--db", db)
    assert call("evaluate", "--db", db, "--at", "2026-11-25 10:00").code == 0

    back = call("evaluate", "--db", db, "--at", "2026-11-24 13:00")

    assert back.code == 1
    assert "2026-11-25 10:00:00 New York" in back.err
    assert call("evaluate", "--db", db, "--json").json["as_of"].startswith("2026-11-25T15:00:00")


def test_a_dry_run_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    db = tmp_path / "book.db"
    call("import", written(tmp_path, book()), "--db", db)
    before = db.read_bytes()

    assert call("evaluate", "--db", db, "--dry-run", "--at", "2026-11-25 10:00").code == 0

    assert db.read_bytes() == before


def test_explained_output_shows_checks_and_orders(tmp_path: Path) -> None:
    result = call("evaluate", "--book", written(tmp_path, book()), "--explain")

    assert "Ann Example" in result.out
    assert "first_rebalance" in result.out
    assert "$30000.00" in result.out


@pytest.mark.parametrize(
    "at", ["", "noon", "2026-13-01", "2026-11-27 25:00", "2026-W48-5", "20261127", "1999-01-04", "9999-12-31"]
)
def test_a_bad_time_is_refused_with_the_expected_format(tmp_path: Path, at: str) -> None:
    result = call("evaluate", "--book", written(tmp_path, book()), "--at", at)

    assert result.code == 2
    assert "expected a time such as" in result.err


def test_db_and_book_exclude_each_other(tmp_path: Path) -> None:
    result = call("evaluate", "--book", written(tmp_path, book()), "--db", tmp_path / "x.db")

    assert result.code == 2


def test_the_order_of_accounts_does_not_matter(tmp_path: Path) -> None:
    content = book()
    content["accounts"].append({**content["accounts"][0], "id": "other", "account_number": "200", "cash": "777.77"})
    content["subscriptions"].append({"account_id": "other", "portfolio_id": "bal", "last_rebalanced_at": None})

    def plans() -> dict[str, Any]:
        made = call("evaluate", "--book", written(tmp_path, content), "--json", "--dry-run").json["decisions"]
        return {one["account_id"]: one["plan"] for one in made}

    forward = plans()
    content["accounts"].reverse()
    content["subscriptions"].reverse()
    assert plans() == forward


def test_a_terminal_gets_a_table_per_portfolio_with_a_line_per_account() -> None:
    why = "first rebalance of this subscription"
    rows = [
        ("S1000", "Rhea Quill", "Balanced growth", "full_rebalance", why),
        ("S1001", "Tom [b]arrow", "Income", "none", "in range"),
        ("S1002", "Lena Voss", "Balanced growth", "full_rebalance", why),
    ]
    output = io.StringIO()

    print_by_portfolio(rows, Console(width=80, file=output, force_terminal=False))

    printed = [line.rstrip() for line in output.getvalue().splitlines() if line.strip(" ─")]
    header = [line.split() for line in printed if line.split()[0] == "ACCOUNT"]
    assert header == [["ACCOUNT", "CLIENT", "OUTCOME", "WHY"]] * 2
    assert [line.strip() for line in printed if "  " not in line.strip()] == ["Balanced growth", "Income"]
    assert [line.split()[0] for line in printed if line.split()[0].startswith("S1")] == ["S1000", "S1002", "S1001"]
    assert sum(line.endswith(why) for line in printed) == 2
    assert any("Tom [b]arrow" in line for line in printed)
