"""What a day of an account reports: its cash, who requested a run, and fills after a block."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.quantities import NANO, parse_money
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.runs import run_view
from rebal_tui.services.reports.build import account_report
from rebal_tui.services.reports.evaluation_times import times_by_decision
from rebal_tui.services.reports.model import Day, Entry
from rebal_tui.services.reports.texts import cents, cut_text, money
from rebal_tui.services.reports.unexplained import Standing, changes
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import past_rows
from tests.services import factories


def days(book: Book, first: date | None = None) -> tuple[Day, ...]:
    return account_report(book, "a", first).sections[0].days


def entries(book: Book) -> list[Entry]:
    return [entry for day in days(book) for entry in day.entries]


def test_a_withdrawal_says_who_requested_it_and_from_which_cash_it_was_paid() -> None:
    book = factories.simple_book()
    scheduler.tick(book)
    deposit(book, "a", parse_money("500"))
    factories.advance_to(book, "2026-03-02 10:00")
    with book.acting_as("api backoffice"):
        request_withdrawal(book, "a", parse_money("3000"))
    factories.advance_to(book, "2026-03-02 10:05")
    factories.advance_to(book, "2026-03-03 09:30")

    created = next(entry for entry in entries(book) if "created: withdrawal" in entry.sentence)
    assert created.sentence.endswith("created: withdrawal of $3,000.00, requested by api backoffice.")
    sold = days(book)[0].results[-1]
    assert "Raised $3,000.00: $2,375.00 sold and $625.00 from cash." in sold
    assert "Requested by api backoffice." in sold
    bought = next(entry for entry in entries(book) if "buying" in entry.sentence and "partial" in entry.sentence)
    assert bought.sentence.endswith("buying: all sells finished; nothing is to be bought.")
    timelines = [run_view(book, run.id).timeline for run in factories.all_runs(book)]
    notes = [event.detail for timeline in timelines for event in timeline if event.what == "buying"]
    assert "all sells finished; nothing is to be bought" in notes
    paid = next(entry for entry in entries(book) if entry.sentence == "Withdrawal completed.")
    assert paid.notes == ("Paid $3,000.00: $3,000.00 reserved by its runs.",)


def test_a_cash_target_that_an_earlier_run_left_is_told_apart_from_the_weight() -> None:
    book = factories.simple_book()
    scheduler.tick(book)
    factories.set_price(book, "SPY", "390")
    factories.advance_to(book, "2026-03-03 09:30")

    (evaluated,) = days(book, date(2026, 3, 3))[0].entries
    assert (
        "Cash target $2,500.00: that of the last completed run, because it is more than 5.00 % of equity ($2,462.50)."
    ) in evaluated.notes


def test_fills_after_a_block_say_that_their_orders_were_sent_before() -> None:
    book = factories.simple_book(model=factories.SLOW)
    scheduler.tick(book)
    assert book.sandbox is not None
    factories.advance(book, 1, step_seconds=15)
    book.sandbox.set_restrictions("a", frozenset({Restriction.TRADING_BLOCKED}), book.now())
    factories.advance(book, 10)

    (note,) = [note for entry in entries(book) for note in entry.notes if "blocked the account" in note]
    assert note.endswith("came after the broker blocked the account at 09:31 on Mon 02 Mar 2026, "
                         "for orders sent before the block.")  # fmt: skip


def test_several_reasons_of_a_day_have_their_times_and_when_a_trade_is_possible_again() -> None:
    book = factories.simple_book(follows=factories.balanced(cooldown=0))
    scheduler.tick(book)
    assert book.sandbox is not None
    for hour in ("09:30", "10:30", "11:30"):
        factories.advance_to(book, f"2026-03-03 {hour}")
    book.sandbox.set_restrictions("a", frozenset({Restriction.TRADING_BLOCKED}), book.now())
    for hour in ("12:30", "13:30"):
        factories.advance_to(book, f"2026-03-03 {hour}")

    (day,) = days(book, date(2026, 3, 3))
    calm, blocked = day.results
    assert calm.startswith("09:30 to 11:30: Did not trade: no rebalance condition is met. Status then: In range.")
    assert blocked.startswith("12:30 to 13:30: Did not trade: trading is blocked.")
    assert blocked.endswith("Could trade at the earliest once the broker lifts the block.")
    assert "3 times, at 09:30, 10:30 and 11:30: no trade" in day.entries[0].sentence


def test_a_reason_between_others_divides_their_times() -> None:
    book = factories.simple_book(follows=factories.balanced(cooldown=0))
    scheduler.tick(book)
    assert book.sandbox is not None
    blocked = frozenset({Restriction.TRADING_BLOCKED})
    for hour, restrictions in (("09:30", ()), ("10:30", blocked), ("11:30", ()), ("12:30", ())):
        book.sandbox.set_restrictions("a", frozenset(restrictions), book.now())
        factories.advance_to(book, f"2026-03-03 {hour}")
    (day,) = days(book, date(2026, 3, 3))
    calm, stopped = day.results
    assert calm.startswith("at 09:30 and 11:30 to 12:30: Did not trade: no rebalance condition is met.")
    assert stopped.startswith("at 10:30: Did not trade: trading is blocked.")


def test_times_are_named_only_where_they_are_certain() -> None:
    book = factories.simple_book()
    scheduler.tick(book)
    factories.advance_to(book, "2026-03-03 10:30")
    stored = past_rows.latest_decisions(book.database, "a")[0][1]
    hours = [factories.new_york(f"2026-03-03 {hour}") for hour in ("09:30", "10:30", "11:30", "12:30", "13:30")]
    first, between, later = replace(stored, at=hours[2], times=2), replace(stored, at=hours[1], times=1), hours[4]

    found = times_by_decision([first, between, replace(stored, at=later, times=2)], hours)
    assert found == {0: [hours[0], hours[2]], 1: [hours[1]], 2: [hours[3], hours[4]]}
    assert times_by_decision([replace(stored, at=later, times=4)], hours) == {}, "any of the five may be missing"


@pytest.mark.parametrize(
    ("dollars", "text"), [("72.507", "$72.51"), ("72.505", "$72.50"), ("72.515", "$72.52"), ("72.5", "$72.50")]
)
def test_an_average_price_is_rounded_half_to_even(dollars: str, text: str) -> None:
    assert money(cents(Fraction(dollars) * NANO)) == text


def test_an_amount_below_a_cent_is_cut_like_others() -> None:
    assert cut_text("excess cash $0.007864239 is below the minimum $10.00") == (
        "excess cash $0.00 is below the minimum $10.00"
    )
    assert [cut_text(text) for text in ("-$0.001", "$0.01", "$10.005")] == ["$0.00", "$0.01", "$10.005"]


def standings(*held: tuple[str, int, int]) -> list[Standing]:
    """Standings at times of 3 March 2026, as (time, billionths of SPY, billionths of dollars)."""
    return [Standing(factories.new_york(f"2026-03-03 {at}"), {"SPY": spy, "": cash}) for at, spy, cash in held]


def test_a_change_that_no_record_explains_is_told_between_its_evaluations() -> None:
    """A sale of 2 that the book knows, then 3 shares less that it does not know."""
    dollar = NANO
    seen = standings(("09:30", 10, 0), ("10:30", 8, 50 * dollar), ("11:30", 5, 50 * dollar), ("12:30", 5, 50 * dollar))
    (sold,) = standings(("10:00", -2, 50 * dollar))

    assert list(changes(seen, [sold], [])) == [(seen[1].at, seen[2].at, {"SPY": -3})]
    assert list(changes(seen, [sold], [(seen[2].at, seen[2].at)])) == [], "reported by another entry"
    assert list(changes(seen[:3], [sold], [])) == [], "the broker may report an execution later"


def test_an_execution_that_is_reported_late_is_no_unexplained_change() -> None:
    seen = standings(("09:30", 10, 0), ("10:30", 10, 0), ("11:30", 8, 50 * NANO), ("12:30", 8, 50 * NANO + 1))
    assert list(changes(seen, standings(("10:29", -2, 50 * NANO)), [])) == []
    after = seen[2].at - timedelta(minutes=1)
    assert list(changes(seen, standings(("10:29", -2, 50 * NANO)), [(after, after)])) == [], "and a change after it"
    assert list(changes(seen[1:], standings(("10:29", -2, 50 * NANO)), [])) == [], "before the first of a period"


def test_a_position_that_changed_without_an_event_is_an_entry_of_its_day() -> None:
    book = factories.simple_book()
    scheduler.tick(book)
    factories.advance_to(book, "2026-03-02 10:30")
    with book.database.write() as tx:
        tx.execute(
            "UPDATE positions SET qty = qty - 1500000000 WHERE asset = (SELECT key FROM assets WHERE symbol = 'SPY')"
        )
    book.reload()
    for day in ("03", "04"):
        factories.advance_to(book, f"2026-03-{day} 09:30")

    (told,) = [entry for entry in entries(book) if "without another record" in entry.sentence]
    assert told.sentence == (
        "Holdings changed between Mon 02 Mar 2026 10:30 and Tue 03 Mar 2026 09:30 without an order of rebal-tui and "
        "without another record of why: -1.5 SPY."
    )
