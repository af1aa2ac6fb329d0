"""Restrictions of accounts and portfolios, and settings of an account, in the linear mode."""

from __future__ import annotations

from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.trading_rules import RangeUnit, RestrictionKind
from rebal_tui.services.advisory.trade_settings import book_minimum
from rebal_tui.services.book.policy import policy_of
from rebal_tui.services.simulation import simulator
from tests.plain.talking import answer, session, talk
from tests.tui.simulated import market_book


def test_a_restriction_is_added_listed_and_lifted() -> None:
    book = market_book()
    lines = talk(
        book, "restrict a", "no sel", "no sell", "spx", "spy", "2020-01-01", "2026-12-31", "", "low basis", "yes",
    )  # fmt: skip
    assert any(line.startswith("Kind: expected one of no buy, no sell") for line in lines)
    assert any(line.startswith("Asset: unknown asset") for line in lines)
    assert any(line.startswith("Last day: expected today or later") for line in lines)
    assert "Reason: expected a reason." in lines
    assert "From now on no run sells SPY, through 2026-12-31." in lines
    assert lines[-1] == "Added: no sell SPY, 1 restriction."
    assert not any(line.startswith(("At least", "At most")) for line in lines)
    (made,) = book.rules_view.restrictions
    assert (made.kind, made.symbol, made.account_id) == (RestrictionKind.NO_SELL, "SPY", "a")
    listed = answer(book, "restrictions a")
    assert listed == [
        "1 restriction in force for Client a.",
        "1. No sell SPY for Client a, through 2026-12-31. Reason: low basis. Set by advisor.",
    ]
    assert answer(book, "lift 1")[-1].startswith("Type restrictions and an account first")
    assert answer(book, "restrictions a", "lift 1", "yes")[-1] == "Lifted: no sell SPY for Client a."
    assert not book.rules_view.restrictions


def test_a_portfolio_keeps_an_asset_in_a_range_and_holds_no_asset() -> None:
    book = market_book()
    range_answers = ("range", "TLT", "", "40 %", "", "committee")
    assert talk(book, "restrict portfolio gold", *range_answers, "yes")[-1] == "Added: range TLT, 1 restriction."
    (made,) = book.rules_view.restrictions
    assert (made.portfolio_id, made.minimum, made.maximum, made.unit) == ("gold", None, 4000, RangeUnit.PERCENT)
    lines = talk(book, "restrict a", "hold", "", "estate", "no")
    assert not any(line.startswith("Asset") for line in lines)
    assert lines[-1] == "Canceled, nothing was changed."
    assert talk(book, "restrict a", "lock", "cancel")[-1] == "Canceled, nothing was changed."
    assert len(book.rules_view.restrictions) == 1


def test_a_range_without_bounds_is_asked_again_at_the_end() -> None:
    book = market_book()
    held, lines = session(book, "restrict a", "range", "SPY", "", "", "", "why", "$10", "yes")
    assert held.refused
    assert lines[-1] == "Added: range SPY, 1 restriction."
    assert book.rules_view.restrictions[0].unit is RangeUnit.DOLLARS


def test_the_settings_of_an_account() -> None:
    book = market_book()
    lines = talk(book, "settings a", "whole", "", "", "x", "30", "yes", "yes")
    assert any(line.startswith("Cooldown: expected whole days") for line in lines)
    assert lines[-1] == "Changed: settings of Client a."
    assert book.rules_view.settings["a"].whole_shares
    overrides = book.rules_view.overrides["a"]
    assert (overrides.cooldown_days, overrides.review) == (30, True)
    talk(book, "settings a", "fractions", "", "", "none", "none", "yes")
    assert book.rules_view.overrides.get("a") is None or book.rules_view.overrides["a"].cooldown_days is None


def test_the_settings_of_the_book() -> None:
    book = market_book()
    lines = talk(
        book, "book settings", "save", "evaluate m", "x", "30", "review", "everything", "all", "minimum amount", "25",
        "surge guard", "on", "save", "yes",
    )  # fmt: skip
    assert "Fresh seconds: 60, seconds; nothing trades on an older price; 0: any age" in lines
    assert "No changes to save; type cancel to leave." in lines
    assert any(line.startswith("Evaluate minutes: expected a whole number from 1") for line in lines)
    assert "Review: expected portfolios or all." in lines
    assert "Surge guard: off to on." in lines
    assert lines[-1].startswith("Saved: ")
    policy = policy_of(book)
    assert (policy.review, policy.evaluate_minutes) == (True, 30)
    assert book.settings.guards.surge_guard
    minimum = book_minimum(book)
    assert minimum is not None
    assert minimum.amount == 25 * 10**9
    version = book.version
    assert talk(book, "book settings", "review", "portfolios", "save", "no")[-1] == "Canceled, nothing was changed."
    assert talk(book, "book settings", "nothing", "cancel")[-1] == "Canceled, nothing was changed."
    assert book.version == version


def test_a_line_is_left_out_of_a_run_for_its_session() -> None:
    book = market_book()
    simulator.shock(book, "SPY", Percent(3000))
    before = next(line for line in answer(book, "preview a") if line.startswith("SPY: "))
    assert before.startswith("SPY: sell ")
    lines = answer(book, "leave out spy of a", "", "yes")
    day = book.today().isoformat()
    assert lines[0].startswith("Left out: SPY; ")
    assert next(line for line in lines if line.startswith("SPY: ")).startswith("SPY: no order, ")
    (lock,) = book.rules_view.restrictions
    assert (lock.kind, lock.symbol, str(lock.until), lock.reason) == (
        RestrictionKind.LOCK, "SPY", day, f"left out of the run of {day}",
    )  # fmt: skip
    assert answer(book, "leave out spy of a")[-1].startswith("This run of Client a trades ")


def test_a_line_is_not_left_out_without_yes() -> None:
    book = market_book()
    simulator.shock(book, "SPY", Percent(3000))
    asked = talk(book, "leave out spy of a", "", "no")
    assert any(line.startswith("SPY is locked: no run of Client a buys or sells it in ") for line in asked)
    assert asked[-1] == "Canceled, nothing was changed."
    assert answer(book, "leave out")[-1].startswith("Type an asset and an account")
    assert not book.rules_view.restrictions
