"""`lab`: its report, its JSON and CSV, and what it refuses."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.cli.books import book, call, written

GRID = 'absolute = [2, 5, "none"]\ncooldown = [0, 7]\n'


@pytest.fixture
def closes(tmp_path: Path) -> Path:
    from rebal_tui.services.backtest.histories import SAMPLE_FILE

    path = tmp_path / "closes.csv"
    lines = SAMPLE_FILE.read_text().splitlines()[:180]
    path.write_text("\n".join(lines).replace("X-STOCKS", "SPY").replace("X-BONDS", "TLT") + "\n")
    return path


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "grid.toml"
    path.write_text(GRID)
    return path


@pytest.mark.slow
def test_the_sample_needs_nothing_and_says_that_its_assets_are_invented(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, grid: Path
) -> None:
    from rebal_tui.services.backtest import histories

    short = tmp_path / "sample.csv"
    short.write_text("\n".join(histories.SAMPLE_FILE.read_text().splitlines()[:520]) + "\n")
    monkeypatch.setattr(histories, "SAMPLE_FILE", short)
    result = call("lab", "--sample", "--grid", grid)

    assert result.code == 0
    answers, _, rest = result.out.partition("\n\n")
    first, second, *_ = rest.splitlines()
    assert answers.startswith("Return: ")
    assert "paired block bootstrap of 250 resampled histories, mean block 64 sessions, seed 1" in answers
    assert "Start day: ±5/20 % 7 d, the sample's, earns " in answers
    assert first.startswith("Sample 60/35/5 · X-STOCKS X-BONDS cash · 2014-01-02 … 2016-01-25 · 519 sessions")
    assert first.endswith("prices only, no dividends · decided and filled at the close")
    assert second == "prices: sample history of invented assets"
    assert "±5/20 % 7 d  sample" in result.out
    assert "policies are left out: one listed has no higher turnover, rms or worst deviation, or " in result.out


def test_json_and_csv_have_every_policy(closes: Path, grid: Path) -> None:
    report = call("lab", "--closes", closes, "--grid", grid, "--cost", "10", "--json").json
    rows = list(csv.DictReader(io.StringIO(call("lab", "--closes", closes, "--grid", grid, "--csv").out)))

    assert report["portfolio"] == "Balanced"
    assert report["weights"] == {"SPY": "60", "TLT": "35", "cash": "5"}
    assert (report["basis"], report["sessions"], report["cost_bp"]) == ("prices only, no dividends", 179, "10")
    assert [p["policy"] for p in report["policies"]] == [row["policy"] for row in rows]
    assert len(rows) == 7
    own = report["policies"][0]
    assert (own["absolute"], own["relative"], own["cooldown_days"]) == ("5", "20", 7)
    assert own["rebalances"] == len(own["dates"])
    assert float(report["policies"][1]["cost"]) > 0


def test_the_bootstrap_says_what_differs_first(closes: Path, grid: Path) -> None:
    arguments = ("lab", "--closes", closes, "--grid", grid, "--bootstrap", "100")
    first, second, third, fourth, *_ = call(*arguments, "--block", "6", "--seed", "3").out.splitlines()
    report = call(*arguments, "--json").json
    luck = report["luck"]

    assert first == luck["sentence"]
    assert second == report["cheaper"] == "No policy costs noticeably less than yours."
    assert third.startswith(f"Highest return of 7 policies: {luck['best']['policy']}, ")
    assert fourth.startswith("Chosen on the first half: ")
    assert luck["method"] == "paired block bootstrap of 100 resampled histories, mean block 22 sessions, seed 1"
    assert (report["start_days"], report["calendar_days"]) == (None, None)
    assert [p["policy"] for p in report["policies"] if p["neighbors"] is None] == ["never", "never 7 d"]
    assert len(luck["turnover"]["low"]) == 7
    assert 0 <= float(luck["best"]["spa_p_value"]) <= 1


def test_a_history_that_is_too_short_says_so(tmp_path: Path, closes: Path, grid: Path) -> None:
    short = tmp_path / "short.csv"
    short.write_text("".join(closes.read_text().splitlines(keepends=True)[:4]))

    result = call("lab", "--closes", short, "--grid", grid)

    assert result.out.startswith(
        "The history is too short to test luck: 3 sessions, at least 60 are needed.\nNo policy costs"
    )
    assert "short history of 0.0 years: 7 of 7 policies never rebalance in it" in result.out
    assert result.err == ""
    assert call("lab", "--closes", short, "--grid", grid, "--json").json["luck"] is None


def test_actions_make_total_returns_which_a_replay_cannot_verify(tmp_path: Path, closes: Path, grid: Path) -> None:
    actions = tmp_path / "actions.csv"
    actions.write_text("date,symbol,kind,ratio,amount,new_symbol,price\n2014-03-03,SPY,cash_dividend,,1.5,,\n")
    arguments = ("lab", "--closes", closes, "--grid", grid, "--actions", actions)

    report = call(*arguments, "--json").json
    plain = call(*arguments[:-2], "--json").json

    assert report["basis"] == "total returns"
    assert float(report["policies"][0]["return"]) > float(plain["policies"][0]["return"])
    refused = call(*arguments, "--verify", "1")
    assert (refused.code, "pays dividends in cash" in refused.err) == (1, True)
    assert call("lab", "--actions", actions).code == 2


@pytest.mark.slow
def test_verification_replays_the_policies_listed(closes: Path, grid: Path) -> None:
    result = call("lab", "--closes", closes, "--grid", grid, "--verify", "3", "--json")

    assert result.code == 0
    assert [v["policy"] for v in result.json["verified"]] == ["±5/20 % 7 d", "±2 pp"]
    assert all(v["identical"] for v in result.json["verified"])


def test_a_portfolio_is_found_in_a_file_and_in_a_book(tmp_path: Path, closes: Path, grid: Path) -> None:
    path, db = written(tmp_path, book()), tmp_path / "book.db"
    assert call("import", path, "--db", db).code == 0
    name = book()["portfolios"][0]["name"]

    from_file = call("lab", path, "--closes", closes, "--grid", grid, "--json").json
    from_book = call("lab", name, "--db", db, "--closes", closes, "--grid", grid, "--json").json

    assert from_file == from_book
    assert from_file["portfolio"] == name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["nobody", "--closes", "CLOSES"], "no portfolio 'nobody'; there are: "),
        (["missing.json", "--closes", "CLOSES"], "missing.json: no such file"),
        (["--closes", "missing.csv"], "missing.csv: the file cannot be read: no such file"),
        (["--closes", "CLOSES", "--grid", "BAD"], "bad.toml, absolute[0]: got -1, expected a percent above 0"),
        (["--closes", "CLOSES", "--grid", "BROKEN"], "broken.toml: not readable as TOML"),
        (["--closes", "CLOSES", "--from", "2030-01-01"], "no closes in this range"),
        (["--closes", "RETURNS"], "no column of SPY, TLT; the file has STOCK"),
        ([], "the book has prices of 0 sessions only"),
        (["--closes", "CLOSES", "--cost", "5", "--verify", "1"], "a replay has no trading costs"),
    ],
)
def test_refusals_name_what_is_wrong(tmp_path: Path, closes: Path, arguments: list[str], fault: str) -> None:
    db = tmp_path / "book.db"
    assert call("import", written(tmp_path, book()), "--db", db).code == 0
    files = {
        "CLOSES": closes, "BAD": tmp_path / "bad.toml", "BROKEN": tmp_path / "broken.toml",
        "RETURNS": tmp_path / "returns.csv",
    }  # fmt: skip
    files["BAD"].write_text("absolute = [-1]\n")
    files["BROKEN"].write_text("absolute = \n")
    files["RETURNS"].write_text("month,stock\n2020-01,0.1\n")

    result = call("lab", *(files.get(a, a) for a in arguments), "--db", db)

    assert result.code == 1
    assert fault in result.err


@pytest.mark.parametrize(
    "arguments", [["--sample", "--closes", "x.csv"], ["--json", "--csv"], ["x", "--portfolio", "y"]]
)
def test_options_that_exclude_each_other(arguments: list[str]) -> None:
    assert call("lab", *arguments).code == 2
