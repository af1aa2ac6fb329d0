"""The impact of portfolio and subscription changes, compared with the exact form account by account."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import BandType, CalendarCondition, CalendarType, DriftBand, Portfolio, PortfolioStatus
from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.trading_rules import Overrides
from rebal_tui.services.advisory import bulk
from rebal_tui.services.advisory.trade_settings import set_overrides
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.book.rules_view import stagger_offset
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries.portfolios import impact
from rebal_tui.services.queries.run_stops import run_stops
from rebal_tui.services.schedule import scheduler
from rebal_tui.tui.screens.portfolios.impact import affected_mark, affected_text
from rebal_tui.tui.screens.portfolios.lines import COUNTED_ANEW, NO_CONDITION, before_after, impact_facts, impact_lines
from rebal_tui.tui.screens.portfolios.run_stops import figures, left_out_text
from tests.services.evaluation.what_if_oracle import exact_first_run, exact_impact
from tests.services.factories import account, balanced, fill_book, make_book, monthly
from tests.services.random_books import MODELS, act, random_book

BOOKS = int(os.environ.get("TRIAL_BOOKS", "3"))
"""The number of random books, with eight events each."""
CASES = ("cooling", "unable", "blocked", "orders", "turnover", "on_calendar_day", "with_run")
TIGHT = (DriftBand(BandType.ABSOLUTE, Percent(50)), DriftBand(BandType.RELATIVE, Percent(400)))


def body(portfolio: Portfolio, like: Portfolio) -> PortfolioBody:
    return PortfolioBody(portfolio.name, "", like.weights, like.cooldown_days, like.conditions, portfolio.review)


def agrees(book: Book) -> set[str]:
    """Compare the impact of giving each portfolio another's settings, and of moving all accounts; returns the cases."""
    met: set[str] = set()
    models = [*book.portfolios.values(), replace(MODELS[0], conditions=TIGHT, cooldown_days=0)]
    for before in book.portfolios.values():
        for like in models:
            found = impact(book, before.id, body(before, like))
            assert found == exact_impact(book, before.id, body(before, like))
            met |= {name for name in CASES if getattr(found, name)}
        preview = bulk.preview_subscriptions(book, list(book.accounts), before.id, moving=True)
        assert list(preview.rows) == [exact_first_run(book, one, before.id) for one in book.accounts]
        met |= {"refused" for row in preview.rows if row.refusal}
        met |= {" ".join(row.note.split()[:2]) for row in preview.rows if row.note}
    return met


@pytest.mark.slow
def test_the_impact_equals_that_of_the_exact_form() -> None:
    met: set[str] = set()
    for seed in range(BOOKS):
        random = Random(seed)
        book = random_book(random)
        for _ in range(4):
            act(book, random)
            act(book, random)
            met |= agrees(book)
    assert {"cooling", "orders", "turnover", "with_run", "on_calendar_day", "refused", "no run"} <= met


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["SPY", "TLT", "GLD"])
def test_a_holding_without_a_price_cannot_be_planned(symbol: str) -> None:
    book = random_book(Random(3))
    book.settings = replace(book.settings, price_max_age=None)
    book.feed = None
    book.assets[symbol] = replace(book.assets[symbol], price=None, price_at=None)
    book.price_cache.load(book.assets)
    assert {"unable", "no price"} <= agrees(book)


def test_an_unknown_asset_is_refused() -> None:
    book = random_book(Random(4))
    plain = book.portfolios["plain"]
    with pytest.raises(Conflict, match="asset NOPE is unknown"):
        impact(book, "plain", body(plain, balanced(weights={"SPY": "50", "NOPE": "45"})))


def test_amounts_beyond_int64_columns_are_summed_exactly() -> None:
    book = make_book()
    fill_book(book, [account("a", "8000000000", {"SPY": "20000000"})], [balanced()], {"a": "balanced"})
    plain = book.portfolios["balanced"]
    like = balanced(weights={"TLT": "95"}, cooldown=0)
    found = impact(book, "balanced", body(plain, like))
    assert found == exact_impact(book, "balanced", body(plain, like))
    assert found.orders == 2


def test_an_impact_names_the_accounts_that_would_trade_and_those_that_wait() -> None:
    book = make_book()
    accounts = [account("a", "500", {"SPY": "15", "TLT": "35"}), account("b", "5000", {"SPY": "150", "TLT": "350"})]
    accounts.append(account("c", "500", {"SPY": "15", "TLT": "35"}))
    last = {name: book.now() - timedelta(days=days) for name, days in (("a", 60), ("b", 60), ("c", 1))}
    fill_book(book, accounts, [balanced()], dict.fromkeys("abc", "balanced"), last)
    plain = book.portfolios["balanced"]
    found = impact(book, "balanced", body(plain, balanced(weights={"SPY": "35", "TLT": "60"}, cooldown=30)))
    until = (book.now() + timedelta(days=29)).date()
    assert [(one.account_id, one.orders, one.cooldown_until) for one in found.affected] == [
        ("b", 2, None), ("a", 2, None), ("c", 0, until),
    ]  # fmt: skip
    assert [affected_mark(one)[0] for one in found.affected] == ["■", "■", "◷"]
    assert sum(one.turnover for one in found.affected) == found.turnover


def test_an_impact_leaves_out_blocked_accounts_and_names_the_session_after_a_cooldown() -> None:
    """The cooldown of `c` ends on Saturday 7 March."""
    book = make_book()
    held = {"SPY": "15", "TLT": "35"}
    accounts = [account("a", "500", held), *(account(name, "500", held, ["ach_return"]) for name in "bc")]
    last = {name: book.now() - timedelta(days=days) for name, days in (("a", 60), ("b", 60), ("c", 1))}
    fill_book(book, accounts, [balanced()], dict.fromkeys("abc", "balanced"), last)
    found = impact(book, "balanced", body(book.portfolios["balanced"], balanced(weights={"TLT": "95"}, cooldown=6)))
    assert (found.orders, found.cooling, found.blocked) == (2, 0, 2)
    assert {one.account_id: affected_text(one) for one in found.affected} == {
        "a": "2 orders, in range → outside",
        "b": "blocked: ACH return, in range → outside",
        "c": "blocked: ACH return; not before 09 Mar 2026 (cooldown), in range → outside",
    }
    assert {one.account_id: affected_mark(one)[0] for one in found.affected} == {"a": "■", "b": "!", "c": "!"}


def test_an_impact_counts_with_the_portfolio_active_that_saving_reactivates() -> None:
    book = make_book()
    model = replace(balanced(), status=PortfolioStatus.NEEDS_ADJUSTMENT)
    fill_book(
        book,
        [account("a", "500", {"SPY": "15", "TLT": "35"})],
        [model],
        {"a": "balanced"},
        {"a": book.now() - timedelta(days=60)},
    )
    like = balanced(weights={"TLT": "95"})
    assert impact(book, "balanced", body(model, like)).orders == 2
    book.assets["TLT"] = replace(book.assets["TLT"], tradable=False)
    assert impact(book, "balanced", body(model, like)).orders == 0


def test_an_impact_names_apart_the_accounts_that_trade_on_the_next_calendar_day() -> None:
    """On Monday 2 March: `a` leaves its band, `b` follows bands only, `c` to `f` wait for a Friday or a cooldown."""
    book = make_book("2026-03-02 12:00")
    weekly = CalendarCondition(CalendarType.WEEKLY, "Friday")
    bands = balanced().conditions
    model = balanced(conditions=[*bands, weekly], cooldown=7)
    on_target = {"SPY": "15", "TLT": "35"}
    held = [account("a", "500", {"SPY": "18", "TLT": "23"}), *(account(name, "500", on_target) for name in "bcdef")]
    held[4] = account("e", "500", on_target, ["ach_return"])
    days = {"a": 60, "b": 60, "c": 60, "d": 0, "e": 60}
    last = {name: book.now() - timedelta(days=ago) for name, ago in days.items()}
    fill_book(book, held, [model], dict.fromkeys("abcdef", "balanced"), last)
    set_overrides(book, book.subscriptions["b"].id, Overrides(conditions=bands))
    like = balanced(weights={"SPY": "62", "TLT": "33"}, conditions=model.conditions)
    found = impact(book, "balanced", body(book.portfolios["balanced"], like))
    assert (found.orders, found.on_calendar_day, found.next_calendar_day) == (2, 2, date(2026, 3, 6))
    assert [(one.account_id, affected_mark(one)[0], affected_text(one)) for one in found.affected] == [
        ("a", "■", "2 orders, outside"),
        ("c", "◇", "calendar rebalance 06 Mar 2026, in range"),
        ("d", "◇", "calendar rebalance 13 Mar 2026, in range"),
    ]
    assert ("on a calendar day", "2, from Fri 06 Mar 2026") in impact_facts(found)
    listed = "".join(text for text, _ in impact_lines(found, "", changed=True)(80, 20)[-1])
    assert listed.endswith("3 accounts · 3 others not outside · enter opens one")


def test_the_calendar_day_of_an_account_is_its_own_session_of_a_spread() -> None:
    book = make_book("2026-03-02 12:00")
    model = replace(balanced(conditions=[monthly("5")]), stagger_sessions=3)
    names = [f"account {number}" for number in range(9)]
    held = [account(name, "500", {"SPY": "15", "TLT": "35"}) for name in names]
    last = dict.fromkeys(names, book.now() - timedelta(days=60))
    fill_book(book, held, [model], dict.fromkeys(names, "balanced"), last)
    body_now = PortfolioBody.of(book.portfolios["balanced"])
    own = {one.account_id: one.calendar_day for one in impact(book, "balanced", body_now).affected}
    sessions = (date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 9))
    assert own == {name: sessions[stagger_offset(name, 3)] for name in names}
    assert set(own.values()) == set(sessions)


def test_an_impact_says_that_there_is_no_band_instead_of_counting_nobody_outside() -> None:
    book = make_book()
    drifted = account("a", "500", {"SPY": "18", "TLT": "23"})
    last = {"a": book.now() - timedelta(days=60)}
    fill_book(book, [drifted], [balanced()], {"a": "balanced"}, last)
    without = impact(book, "balanced", body(book.portfolios["balanced"], balanced(conditions=())))
    assert ("outside their bands", "1 → no band") in impact_facts(without)
    assert [affected_text(one) for one in without.affected] == ["no order, outside → no band"]
    shown = ["".join(text for text, _ in line) for line in before_after(without, 60)]
    assert [line.split(maxsplit=2)[-1] for line in shown][1] == "no band"
    head = " ".join(text for line in impact_lines(without, "", changed=True)(60, 20) for text, _ in line)
    assert NO_CONDITION in " ".join(head.split())
    set_overrides(book, book.subscriptions["a"].id, Overrides(conditions=balanced().conditions))
    own = impact(book, "balanced", body(book.portfolios["balanced"], balanced(conditions=())))
    assert ("outside their bands", "1 → 1") in impact_facts(own), "its own bands stay"
    assert (without.conditioned, own.conditioned) == (False, True)


def test_an_impact_names_the_subscribers_that_no_band_compares() -> None:
    book = make_book()
    held = [account(name, "500", {"SPY": "15", "TLT": "35"}) for name in "ab"]
    model = balanced(conditions=())
    last = dict.fromkeys("ab", book.now() - timedelta(days=60))
    fill_book(book, held, [model], dict.fromkeys("ab", "balanced"), last)
    set_overrides(book, book.subscriptions["b"].id, Overrides(conditions=balanced().conditions))
    found = impact(book, "balanced", body(model, balanced(weights={"SPY": "62", "TLT": "33"}, conditions=())))
    assert [(one.account_id, affected_text(one)) for one in found.affected] == [("a", "no order, no band")]
    set_overrides(book, book.subscriptions["b"].id, Overrides())
    found = impact(book, "balanced", body(model, balanced(weights={"SPY": "62", "TLT": "33"}, conditions=())))
    assert [one.account_id for one in found.affected] == ["a", "b"]
    assert ("outside their bands", "no band") in impact_facts(found)
    assert before_after(found, 60) == []


def test_accounts_with_a_run_already_are_counted_apart_from_those_that_would_get_one() -> None:
    book = make_book("2026-03-02 12:00")
    held = [account(name, "500", {"SPY": "18", "TLT": "23"}) for name in "ab"]
    held.append(account("c", "500", {"SPY": "18", "TLT": "23"}, ["ach_return"]))
    last = dict.fromkeys("abc", book.now() - timedelta(days=60))
    fill_book(book, held, [balanced()], dict.fromkeys("abc", "balanced"), last)
    before = run_stops(book, "balanced")[0]
    assert (before.due, before.with_run, before.held_back) == (2, 0, 1)
    assert left_out_text(before) == "Not counted, though outside a band: 1 that can get no run now."
    set_review(book, True)
    scheduler.run_now(book, "evaluation")
    after = run_stops(book, "balanced")[0]
    assert (after.due, after.with_run, after.held_back) == (0, 2, 1)
    assert figures(after) == left_out_text(after).rstrip(".")
    now = impact(book, "balanced", PortfolioBody.of(book.portfolios["balanced"]))
    assert (now.outside_after, now.with_run, now.blocked) == (3, 2, 1)
    assert affected_text(now.affected[0]) == "2 orders (has a run already), outside"
    assert ("have a run already", "2 accounts; a new run only after it ends") in impact_facts(now)
    page = " ".join(text for line in impact_lines(now, "", changed=False)(60, 20) for text, _ in line)
    assert COUNTED_ANEW in " ".join(page.split())
