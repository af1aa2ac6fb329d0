"""Journals, stopped withdrawals, reserved cash and restrictions to override, in the linear mode."""

from __future__ import annotations

from rebal_tui.domain.runs import Approval, RunType
from rebal_tui.services.simulation import simulator
from tests.plain.talking import answer, session, talk
from tests.services.factories import all_runs
from tests.tui.simulated import market_book, sound
from tests.tui.test_review_flows import queue_book


def test_cash_is_journaled_in_and_out() -> None:
    book = market_book()
    cash = book.accounts["a"].cash
    lines = talk(book, "journal in 2500 a", "bonus", "yes", "journal out 1,500.00 a", "", "no")
    assert "Moves from the firm account, for Client a (N-a): $2,500.00" in lines
    assert lines[-1] == "Canceled, nothing was changed."
    assert book.accounts["a"].cash - cash == 2500 * 10**9
    held, lines = session(book, "journal out 999999999 a", "journal in x a", "journal in")
    assert held.refused
    assert not any(line.startswith("Description") for line in lines)
    sound(book)


def test_cash_is_raised_reserved_and_released() -> None:
    book = market_book()
    lines = talk(book, "raise cash a", "10000", "yes")
    assert lines[-1].startswith("Run: ")
    assert [run.type for run in all_runs(book)] == [RunType.PARTIAL_LIQUIDATION]
    lines = answer(book, "release cash a", "yes")
    assert lines[-1] == "Released: $10,000.00 of Client a."
    assert answer(book, "release cash b")[-1] != lines[-1]
    sound(book)


def test_only_a_stopped_withdrawal_is_retried() -> None:
    book = market_book()
    talk(book, "withdraw 100 a", "yes")
    said = talk(book, "withdrawals", "retry withdrawal 1")[-1]
    assert said == "This withdrawal is not stopped; it continues automatically."
    assert talk(book, "retry withdrawal 1")[-1].startswith("Type withdrawals first, then retry withdrawal")


def test_a_run_that_awaits_review_overrides_a_restriction() -> None:
    book = queue_book()
    assert talk(book, "review", "override 1")[-1].startswith("No restriction of yours concerns this run")
    client = book.accounts[all_runs(book)[0].account_id].name
    talk(book, f"restrict {client}", "no sell", "spy", "", "low basis", "yes")
    number = next(line for line in talk(book, "review") if client in line).partition(".")[0]
    lines = talk(book, "review", f"override {number}", "", "agreed", "yes")
    assert lines[-1].startswith("Overridden: run ")
    assert [run.approval for run in all_runs(book)].count(Approval.AWAITING) == 4
    sound(book)


def test_assets_are_read() -> None:
    book = market_book()
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]  # hundredths of a percent
    assert answer(book, "assets spy")[1].startswith("SPY: ")
    lines = answer(book, "asset spy")
    assert "State: tradable" in lines
    assert "Weight in Balanced: 60.00 percent" in lines
    assert any(line.startswith("Client a: 150.0000 shares, $") for line in lines)
    assert answer(book, "asset nope") == ["No asset NOPE."]
