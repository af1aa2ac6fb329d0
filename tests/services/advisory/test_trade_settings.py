"""Settings of accounts, subscriptions and the book: stored with an audit entry, in force at the next evaluation."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.decisions import LineReason
from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.quantities import Money, Percent, parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import AccountSettings, Concerned, Overrides, RestrictionDraft, RestrictionKind
from rebal_tui.services.advisory.restrictions import add_restrictions
from rebal_tui.services.advisory.trade_settings import (
    set_account_settings,
    set_book_minimum,
    set_overrides,
    settings_of,
    settings_texts,
)
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import RulesView, followed_portfolio, rules_of
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.reports.audit_sentences import audit_sentence
from rebal_tui.services.runs.manual import queue_run
from rebal_tui.services.runs.run_overrides import checked_override
from rebal_tui.services.wire import accounts, pages
from rebal_tui.store import audit
from tests.services import factories


def minimum(dollars: str) -> MinimumTrade:
    return MinimumTrade(parse_money(dollars), Percent(0))


def said(book: Book, action: str) -> list[str]:
    found = [one for one in reversed(audit.entries(book.database)) if one.action == action]
    return [audit_sentence(book, one) for one in found]


def source(book: Book) -> tuple[int, str]:
    rules = rules_of(book, "a")
    return (0 if rules.minimum_trade is None else rules.minimum_trade.amount // 10**9, rules.minimum_source)


def test_the_narrowest_scope_that_sets_a_minimum_trade_counts() -> None:
    book = factories.simple_book(held={"SPY": "1"})
    assert source(book) == (0, "")
    set_book_minimum(book, minimum("10"))
    assert source(book) == (10, "book")
    set_account_settings(book, "a", AccountSettings(minimum_trade=minimum("20")))
    assert source(book) == (20, "account")
    set_overrides(book, book.subscriptions["a"].id, Overrides(minimum_trade=minimum("30")))
    assert source(book) == (30, "subscription")
    set_overrides(book, book.subscriptions["a"].id, None)
    set_account_settings(book, "a", AccountSettings())
    assert source(book) == (10, "book")
    set_book_minimum(book, None)
    assert source(book) == (0, "")
    assert said(book, "book.settings") == [
        "Settings of the book changed: minimum trade $10.00.", "Settings of the book changed: minimum trade none.",
    ]  # fmt: skip


def test_a_line_below_the_minimum_of_the_book_is_kept_back_and_names_it() -> None:
    book = factories.simple_book(cash="2600", held={"SPY": "75", "TLT": "174"})
    set_book_minimum(book, minimum("500"))
    plan = plan_run(book, "a", RunType.FULL_REBALANCE, book.portfolio("balanced").weights)
    reasons = {line.symbol: (line.reason, line.detail) for line in plan.lines}
    assert reasons["TLT"] == (
        LineReason.BELOW_MINIMUM_TRADE, "$100.00 is below the minimum trade, set for the book"
    )  # fmt: skip


def test_settings_are_read_again_from_the_file_and_stored_once() -> None:
    book = factories.simple_book()
    wanted = AccountSettings(whole_shares=True, minimum_trade=MinimumTrade(Money(0), Percent(150)))
    for _ in range(2):
        set_account_settings(book, "a", wanted)
        set_book_minimum(book, minimum("25"))
    again = RulesView.read(book.database, one_list=False)
    assert (again.settings["a"], again.minimum_trade) == (wanted, minimum("25"))
    assert rules_of(book, "a").whole_shares
    assert said(book, "account.settings") == ["Settings of the account: whole shares only; minimum trade 1.5 %."]
    assert len(said(book, "book.settings")) == 1


def test_overrides_of_a_subscription_hold_at_once_and_are_named() -> None:
    book = factories.simple_book()
    subscription = book.subscriptions["a"].id
    set_overrides(book, subscription, Overrides(31, (factories.monthly("15"),), minimum("9"), True))
    followed = followed_portfolio(book, "a")
    assert (followed.cooldown_days, followed.conditions, followed.review) == (31, (factories.monthly("15"),), True)
    set_overrides(book, subscription, Overrides())
    assert followed_portfolio(book, "a") == book.portfolio("balanced")
    assert said(book, "subscription.overrides") == [
        "The subscription decides otherwise than its portfolio: cooldown 31 days; conditions monthly on the 15th; "
        "minimum trade $9.00; review.",
        "The subscription decides otherwise than its portfolio: nothing.",
    ]


def test_the_api_shows_restrictions_and_what_a_run_overrides() -> None:
    book = factories.simple_book()
    draft = RestrictionDraft(RestrictionKind.NO_BUY, "cost", "SPY")
    [made] = add_restrictions(book, draft, Concerned(("a",)))
    [shown] = accounts.trading_account(book, "a")["trade_restrictions"]
    assert (shown["id"], shown["kind"], shown["symbol"], shown["reason"]) == (made.id, "no_buy", "SPY", "cost")
    with book.acting_as("api desk"):
        override = checked_override(book, "a", [made.id], "asked")
        run = queue_run(book, "a", RunType.FULL_REBALANCE, override=override)
    assert pages.find_run(book, run.id)["override"] == {
        "restrictions": [made.id], "note": "asked", "made_by": "api desk"
    }  # fmt: skip


def test_what_an_account_would_be_traded_by_names_the_scope_of_each_setting() -> None:
    book = factories.simple_book(follows=replace(factories.balanced(review=True), minimum_trade=minimum("20")))
    set_book_minimum(book, minimum("10"))
    plain, own = settings_texts(book, "a", *settings_of(book, "a")), Overrides(31, None, minimum("30"), False)
    assert plain == (
        "Fractions of shares where the broker takes them.", "Minimum trade $20.00, set for the portfolio.",
        "Cooldown 7 days, set for the portfolio.", "Automatic runs wait for review.",
    )  # fmt: skip
    assert settings_texts(book, "a", AccountSettings(True, minimum("25")), own) == (
        "Whole shares only.", "Minimum trade $30.00, set for this subscription.",
        "Cooldown 31 days, set for the subscription.", "Automatic runs need no review.",
    )  # fmt: skip
    factories.unsubscribe_account(book, "a")
    assert settings_of(book, "a") == (AccountSettings(), None)
    assert settings_texts(book, "a", AccountSettings(), None)[1:] == ("Minimum trade $10.00, set for the book.",)
