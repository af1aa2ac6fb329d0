"""Making, editing and retiring a portfolio in the linear mode, with the services and the checks of the screens."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rebal_tui.domain.portfolios import Destination, PortfolioStatus
from rebal_tui.services.advisory import portfolios
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.simulation import simulator
from rebal_tui.tui.screens.portfolios.lines import NO_CONDITION
from tests.plain.talking import answer, session, talk
from tests.tui.simulated import market_book, sound

UNTIL_WEIGHTS = ("new portfolio", "Growth", "")
AFTER_WEIGHTS = ("5", "", "monthly", "15", "", "no", "14", "yes")


def test_a_portfolio_is_made_question_by_question() -> None:
    book = market_book()
    lines = talk(book, *UNTIL_WEIGHTS, "spy 60", "gld 35", "cash rest", "done", *AFTER_WEIGHTS, "save", "yes")
    assert lines[-1] == "Created Growth."
    made = next(one for one in book.portfolios.values() if one.name == "Growth")
    assert [(weight.symbol, weight.percent) for weight in made.weights.assets] == [("SPY", 6000), ("GLD", 3500)]
    assert (made.weights.cash, made.cooldown_days, made.review) == (500, 14, True)
    assert made.calendar is not None
    assert made.calendar.day == "15"
    assert [band.percent for band in made.bands] == [500]
    assert "Weight; the sum is 60.00: 40.00 missing:" in lines
    assert "Cooldown 14 days after each full rebalance." in lines
    sound(book)


WRONG_WEIGHTS = {
    "spy": "Type a symbol and its percent, such as SPY 60.",
    "spy 0": "SPY 0: expected above 0, at most two decimals.",
    "spy 60,5": "SPY 60,5: expected above 0, at most two decimals.",
    "nope 5": "NOPE 5: NOPE is unknown.",
    "remove gld": "No weight is of GLD.",
    "done": "Add a line with a symbol and its percent.",
    "cash x": "Cash: expected a percent of 0 or more with at most two decimals.",
}


def test_wrong_weights_are_said_and_asked_again_and_a_close_symbol_is_named() -> None:
    held, lines = session(market_book(), *UNTIL_WEIGHTS, *WRONG_WEIGHTS, "sp 60", "cancel")
    answers = [line for line in lines if not line.startswith(("> ", "Weight; "))]
    assert answers[-len(WRONG_WEIGHTS) - 2 : -2] == list(WRONG_WEIGHTS.values())
    assert "Did you mean SPY (" in answers[-2]
    assert answers[-1] == "Canceled, nothing was changed."
    assert held.refused


def test_a_wrong_answer_is_asked_again_and_enter_keeps_the_value() -> None:
    book = market_book()
    lines = talk(
        book, "edit balanced", "cooldown", "x", "", "bands", "-1", "none", "none", "calendar", "wee", "Sunday", "fri",
        "", "save", "yes",
    )  # fmt: skip
    assert "Cooldown: expected 0 to 365, whole days." in lines or any(
        line.startswith("Cooldown: exp") for line in lines
    )
    assert any(line.startswith("Absolute drift band: ") for line in lines)
    assert any(line.startswith("Day: expected") for line in lines)
    portfolio = book.portfolios["balanced"]
    assert (portfolio.cooldown_days, portfolio.bands) == (7, ())
    assert portfolio.calendar is not None
    assert portfolio.calendar.day == "Friday"


def test_an_edit_says_its_effect_and_can_be_undone() -> None:
    book = market_book()
    before = book.portfolios["balanced"]
    held, lines = session(book, "edit balanced", "weights", "spy 50", "tlt rest", "done", "save", "yes", "undo")
    assert not held.refused
    assert "Outside their bands 0 to 4." in lines
    assert "Saved Balanced. The command undo takes it back." in lines
    assert lines[-1] == "Undone: the edit of Balanced."
    assert book.portfolios["balanced"].weights == before.weights
    sound(book)


def test_the_size_of_a_rebalance_and_a_refused_save_keep_the_answers() -> None:
    book = market_book()
    lines = talk(
        book, "edit balanced", "size", "middle", "out", "50", "", "weights", "remove tlt", "done", "spy 95", "done",
        "save", "no", "save", "yes",
    )  # fmt: skip
    assert "The sum is 65.00: 35.00 missing." in lines
    assert "Your answers are kept. Type save again, or cancel to leave." in lines
    portfolio = book.portfolios["balanced"]
    assert portfolio.rebalance_to is Destination.MIDDLE
    assert portfolio.minimum_trade is not None
    assert portfolio.weights.symbols == ("SPY",)


def test_each_question_can_be_canceled() -> None:
    book = market_book()
    version = book.version
    for answers in ((), ("cancel",), ("Growth", "cancel"), (*UNTIL_WEIGHTS[1:], "spy 100", "cancel")):
        assert talk(book, "new portfolio", *answers)[-1] == "Canceled, nothing was changed."
    assert "No changes to save; type cancel to leave." in talk(book, "edit balanced", "save", "cancel")
    assert book.version == version


def test_a_portfolio_is_copied_deactivated_and_reactivated() -> None:
    book = market_book()
    assert answer(book, "duplicate balanced", "")[-1] == "Created Balanced copy."
    assert answer(book, "deactivate balanced copy", "yes")[-1] == "Inactive: Balanced copy."
    assert answer(book, "edit balanced copy")[-1] == "Balanced copy is inactive; the command activate reactivates it."
    assert answer(book, "activate balanced copy", "yes")[-1] == "Active: Balanced copy."
    assert answer(book, "activate balanced copy")[-1] == "Balanced copy is already active."
    assert answer(book, "deactivate gold")[-1] == ("Gold has 1 subscriber: Client e. Move or unsubscribe them first.")
    assert all(one.status is PortfolioStatus.ACTIVE for one in book.portfolios.values())


def test_versions_and_going_back_to_one() -> None:
    book = market_book()
    talk(book, "edit balanced", "cooldown", "30", "save", "yes")
    lines = answer(book, "versions balanced")
    assert lines[0] == "2 versions of Balanced."
    assert lines[1].endswith(": Cooldown 7 days to 30 days")
    assert answer(book, "go back balanced to 1", "yes")[-1].startswith("Balanced is as in version 1. ")
    assert book.portfolios["balanced"].cooldown_days == 7


def test_the_impact_of_a_portfolio() -> None:
    book = market_book()
    simulator.shock(book, "SPY", 3000)  # type: ignore[arg-type]  # hundredths of a percent
    lines = answer(book, "impact balanced")
    assert "Outside their bands: 4" in lines
    assert "4 accounts concerned. Nothing is sent." in lines
    assert any(line.startswith("Client a: 2 orders, outside, turnover $") for line in lines)
    assert NO_CONDITION not in lines
    portfolios.update_portfolio(book, "gold", replace(PortfolioBody.of(book.portfolios["gold"]), conditions=()))
    assert NO_CONDITION in answer(book, "impact gold")


def test_a_portfolio_from_a_file(tmp_path: Path) -> None:
    book, path = market_book(), tmp_path / "bonds.json"
    weights = [{"type": "asset", "symbol": "TLT", "percent": "100"}]
    path.write_text(json.dumps({"name": "Bonds", "weights": weights, "cooldown_days": 7, "rebalance_conditions": []}))
    assert answer(book, f"import portfolio {path}", "yes")[-1] == "Created Bonds."
    assert "Create another portfolio named Bonds?" in talk(book, f"import portfolio {path}", "no")
    path.write_text("{")
    assert session(book, f"import portfolio {path}")[0].refused
    assert sum(one.name == "Bonds" for one in book.portfolios.values()) == 1


def test_a_portfolio_with_an_asset_that_is_not_tradable_is_named_in_both_lists() -> None:
    book = market_book()
    simulator.set_tradable(book, "GLD", False)
    assert "1. Asset to replace: Gold: GLD is not tradable." in answer(book, "exceptions")
    (listed,) = [line for line in answer(book, "portfolios") if "Gold" in line]
    assert "Gold, active, to replace: GLD: 1 account" in listed
