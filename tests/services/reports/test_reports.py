"""Reports: the right day, in sentences, with figures; nothing from outside becomes markup or a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser

import pytest

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import NANO, Percent, parse_money, parse_qty
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import Concerned, RestrictionDraft, RestrictionKind
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.portfolios import update_portfolio
from rebal_tui.services.advisory.restrictions import add_restrictions
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries.runs import rows_of
from rebal_tui.services.reports import render
from rebal_tui.services.reports.build import account_report, book_report, portfolio_report, run_report
from rebal_tui.services.reports.model import Entry, Report
from rebal_tui.services.reports.render import facts
from rebal_tui.services.runs.manual import approve_run, create_run, reject_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.corporate_actions import apply_corporate_action
from rebal_tui.store import audit, runs
from tests.services import factories

NOTE = "checked with the client"


@pytest.fixture
def approved() -> Book:
    """A run of Monday 2 March 2026 that a person approved with a note, filled; a deposit on Wednesday."""
    book = factories.review_book()
    run = factories.only_run(book)
    plan = plan_of(book.database, run)
    assert plan is not None
    approve_run(book, run.id, plan, NOTE)
    factories.advance(book, 10)
    factories.advance_to(book, "2026-03-04 11:00")
    deposit(book, "a", parse_money("250"))
    scheduler.tick(book)
    return book


def entries(report: Report) -> list[Entry]:
    return [entry for section in report.sections for day in section.days for entry in day.entries]


def sentences(report: Report) -> list[str]:
    return [entry.sentence for entry in entries(report)]


def test_a_trade_is_explained_with_who_approved_it_and_every_fill(approved: Book) -> None:
    run = factories.only_run(approved)

    report = run_report(approved, run.id)

    told = entries(report)
    assert told[0].sentence.startswith("Evaluated against Balanced: full rebalance – first rebalance")
    approval = next(entry for entry in told if "approved" in entry.sentence)
    assert (approval.who, NOTE in approval.sentence, approval.audit is not None) == ("advisor", True, True)
    assert told[-1].sentence == f"Run {run.id[:8]} (full rebalance) completed: all orders filled."
    orders, fills, weights = (table.rows for table in told[-1].tables)
    assert [(row[0], row[1], row[6]) for row in orders] == [("SPY", "buy", "filled"), ("TLT", "buy", "filled")]
    assert len(fills) == 2
    assert [row[0] for row in weights] == ["SPY", "TLT", "cash"]
    assert report.subject == f"full rebalance {run.id[:8]} of Client a · N-a"
    assert dict(facts(report))["Content"] == f"run {run.id} only, with the evaluation that made it"
    assert dict(facts(report))["Period"] == "Mon 02 Mar 2026", "the days of the run, not the whole history"
    checks = {row[0] for row in told[0].tables[0].rows}
    assert {"one run a session", "portfolio"} <= checks, "as the screens call them"


def test_a_day_is_summed_up_by_what_was_traded_why_at_which_prices_and_who_approved_it(approved: Book) -> None:
    run = factories.only_run(approved)
    days = account_report(approved, "a").sections[0].days

    (traded,) = days[0].results
    assert traded.startswith(
        f"Traded (full rebalance, run {run.id[:8]}): bought SPY at $400.00, TLT at $100.00, $47,500.00 in all."
    )
    assert traded.endswith(f"Approved by advisor on Mon 02 Mar 2026 09:30, noting: {NOTE}.")
    page = render.html(account_report(approved, "a"))
    assert f"noting: {NOTE}.</p>" in page
    assert "How to read this report" in page


def test_a_run_that_waits_is_the_result_of_its_day(approved: Book) -> None:
    factories.advance_to(approved, "2026-03-05 11:00")
    run = runs.newest(approved.database, 1)[0]

    (waits,) = account_report(approved, "a", date(2026, 3, 5)).sections[0].days[0].results
    assert waits == f"Awaits approval by an advisor since 11:00 (invest cash, run {run.id[:8]}, made by the system)."

    reject_run(approved, run.id, "not today")
    (rejected,) = account_report(approved, "a", date(2026, 3, 5)).sections[0].days[0].results
    assert rejected.startswith(f"Did not trade (invest cash, run {run.id[:8]}, canceled: rejected: not today).")


def test_a_plan_says_who_left_a_line_out_and_when() -> None:
    book = factories.simple_book()
    (lock,) = add_restrictions(
        book, RestrictionDraft(RestrictionKind.LOCK, "left out of the run", "SPY"), Concerned(("a",)), "ada"
    )
    add_restrictions(book, RestrictionDraft(RestrictionKind.NO_SELL, "low basis", "TLT"), Concerned(("a",)), "ada")
    scheduler.tick(book)
    run = factories.only_run(book)
    (seq,) = [e.seq for e in audit.entries(book.database) if e.action == "restriction.added" and lock.id in e.detail]

    (planned,) = [one for one in entries(run_report(book, run.id)) if any("Plan" in t.title for t in one.tables)]

    assert planned.notes == (
        f"Restriction lock SPY (left out of the run): added by ada on Mon 02 Mar 2026 09:30, audit entry {seq}.",
    ), "not the one that changed nothing"


def test_a_quiet_day_is_told_in_three_lines() -> None:
    book = factories.review_book()
    run = factories.only_run(book)
    plan = plan_of(book.database, run)
    assert plan is not None
    approve_run(book, run.id, plan)
    factories.advance(book, 10)
    factories.advance_to(book, "2026-03-04 11:00")
    factories.advance_to(book, "2026-03-05 11:00")
    _, day = account_report(book, "a", date(2026, 3, 4)).sections[0].days

    (entry,) = day.entries
    assert day.results == (entry.waited,)
    assert entry.waited.startswith(
        "Did not trade: no rebalance condition is met; also in cooldown until 2026-03-09 (7 days"
    )
    assert entry.waited.endswith("Could trade at the earliest at the first evaluation that finds a condition met.")

    assert entry.tables == ()
    conditions, prices = entry.notes
    assert "drift band: " in conditions
    assert "SPY $400.00, " in prices


def test_a_run_on_request_names_who_asked_for_it(approved: Book) -> None:
    with approved.acting_as("api backoffice"):
        run = create_run(approved, "a", RunType.FULL_REBALANCE)
    first = entries(run_report(approved, run.id))[0]
    assert (first.who, first.audit is not None) == ("api backoffice", True)
    assert first.sentence == f"Run {run.id[:8]} (full rebalance) created: requested manually."


def test_a_report_explains_rule_numbers_only_if_it_has_one(approved: Book) -> None:
    made = run_report(approved, factories.only_run(approved).id)
    requested = run_report(approved, create_run(approved, "a", RunType.FULL_REBALANCE).id)
    for report, explains in ((made, True), (requested, False)):
        assert ("RULES.md" in render.html(report), "RULES.md" in render.markdown(report)) == (explains, explains)


def test_the_prices_of_an_evaluation_are_those_it_used(approved: Book) -> None:
    used = factories.only_run(approved)
    factories.set_price(approved, "SPY", "999")

    prices = entries(run_report(approved, used.id))[0].tables[1]

    assert prices.columns[2] == "Price"
    assert [row[2] for row in prices.rows if row[0] == "SPY"] == ["$400.00"]
    assert prices.rows[-1] == ("cash", "–", "–", "–", "$50,000.00", "100.00 %", "5.00 %")


def test_only_the_days_asked_for_are_reported_in_new_york_dates(approved: Book) -> None:
    whole = account_report(approved, "a")
    some = account_report(approved, "a", date(2026, 3, 4), date(2026, 3, 4))

    assert whole.sections[0].days[0].day == date(2026, 3, 2)
    assert {day.day for day in some.sections[0].days} == {date(2026, 3, 4)}
    assert sum(text == "Deposit of $250.00." for text in sentences(some)) == 1
    assert "Deposit requested: $250.00." in sentences(some)
    assert not any("full rebalance" in text for text in sentences(some))


def test_what_changed_the_holdings_without_a_run_is_told_with_its_figures() -> None:
    book = factories.simple_book(held={"SPY": "75", "TLT": "175"}, follows=factories.balanced(conditions=()))
    scheduler.tick(book)
    assert book.sandbox is not None
    request = OrderRequest("a", "outside-1", "SPY", Side.SELL, qty=parse_qty("1.5"))
    book.sandbox.place_external_order("a", request, book.now())
    factories.advance(book, 1)
    apply_corporate_action(book, CorporateAction(ActionKind.SPLIT, "TLT", Fraction(2)))
    for day in ("03", "04"):
        factories.advance_to(book, f"2026-03-{day} 09:30")
    told = entries(account_report(book, "a"))

    (sold,) = [entry for entry in told if "outside rebal-tui" in entry.sentence]
    assert sold.sentence.startswith("Sold 1.5 SPY at $400.00 outside rebal-tui: $600.00 added to cash")
    assert (sold.who, sold.audit is not None) == ("broker", True)
    (split,) = [entry for entry in told if "Corporate action" in entry.sentence]
    assert not [entry for entry in told if "without another record" in entry.sentence]
    assert split.notes == ("In this account: 341.25 shares became 682.5.",), "the first run had bought some"


def test_a_rejection_is_told_with_its_note() -> None:
    book = factories.review_book()
    run = factories.only_run(book)
    reject_run(book, run.id, "client asked to wait")

    assert any("canceled: rejected: client asked to wait" in text for text in sentences(run_report(book, run.id)))


def test_a_portfolio_report_has_its_subscribers_and_a_book_report_all_accounts() -> None:
    book = factories.make_book("2026-03-02 09:30")
    model = factories.balanced()
    names = ("a", "b", "c")
    factories.fill_book(book, [factories.account(n, "500") for n in names], [model], {"a": model.id, "c": model.id})
    scheduler.tick(book)

    followed = portfolio_report(book, model.name)

    assert [section.account_id for section in followed.sections] == ["a", "c"]
    assert [section.account_id for section in book_report(book).sections] == ["a", "b", "c"]


@pytest.mark.parametrize(("kind", "text"), [("account", "nobody"), ("portfolio", "nothing")])
def test_an_unknown_subject_is_refused_with_its_place(approved: Book, kind: str, text: str) -> None:
    report = {"account": account_report, "portfolio": portfolio_report}[kind]
    with pytest.raises(Invalid) as refused:
        report(approved, text)
    assert refused.value.faults[0].location == kind


class _Page(HTMLParser):
    """Collects the elements and the addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_else_and_names_are_text() -> None:
    hostile = '<script>alert(1)</script> =1+1 [x](http://y) | "&'
    book = factories.make_book("2026-03-02 09:30")
    model = replace(factories.balanced(), name=hostile)
    named = replace(factories.account("a", "500"), name=hostile)
    factories.fill_book(book, [named], [model], {"a": model.id})
    scheduler.tick(book)
    report = account_report(book, "a")

    page = _Page()
    page.feed(render.html(report))
    rows = list(csv.reader(io.StringIO(render.csv(report), newline="")))

    assert "script" not in page.tags
    assert page.addresses == []
    assert "&lt;script&gt;" in render.html(report)
    assert r"\[x\](http://y) \|" in render.markdown(report)
    assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    assert tuple(rows[0]) == render.COLUMNS


def test_the_foot_has_the_head_of_a_verified_trail(approved: Book) -> None:
    text = render.audit_text(account_report(approved, "a"))
    assert "The chain was verified from its first entry." in text

    approved.database.connection.execute("DROP TRIGGER audit_no_update")
    approved.database.connection.execute("UPDATE audit SET detail = '{}' WHERE seq = 2")

    assert "entry 2 does not match its hash" in render.audit_text(account_report(approved, "a"))


def test_totals_are_those_of_the_printed_orders_and_of_the_money_that_moved() -> None:
    """Six fills of three orders: each to the nearest cent, they sum to a cent less than the orders."""
    book = factories.selling_book({"SPY": "61.234567891", "TLT": "100.333333333", "GLD": "33.777777777"})
    start = book.accounts["a"].cash
    factories.advance(book, 40)
    run = factories.only_run(book)
    last = entries(run_report(book, run.id))[-1]
    orders, fills = ({table.title: table for table in last.tables}[title] for title in ("Orders", "Fills"))
    amounts = {side: sum(amount_of(row[5]) for row in orders.rows if row[1] == side) for side in ("sell", "buy")}
    for side, verb in (("sell", "sold"), ("buy", "bought")):
        (told,) = (part for part in last.traded.split("; ") if verb in part)
        assert f"${amounts[side]:,.2f} in all" in told
    assert sum(amount_of(row[5]) for row in fills.rows) == sum(amounts.values()) - Decimal("0.01")
    moved = Decimal(book.accounts["a"].cash - start) / NANO
    assert round(moved, 2) == amounts["sell"] - amounts["buy"]
    assert rows_of(book, [run])[0].amount == sum(amounts.values()) * NANO


def amount_of(cell: str) -> Decimal:
    return Decimal(cell.removeprefix("$").replace(",", ""))


def test_a_change_of_the_portfolio_is_told_at_the_next_evaluation(approved: Book) -> None:
    factories.advance_to(approved, "2026-03-12 11:00")
    scheduler.tick(approved)
    before = approved.portfolio("balanced")
    body = PortfolioBody.of(before)
    spy, tlt = body.weights.assets
    ten = Percent(1000)
    moved = (replace(spy, percent=Percent(spy.percent - ten)), replace(tlt, percent=Percent(tlt.percent + ten)))
    update_portfolio(approved, "balanced", replace(body, weights=replace(body.weights, assets=moved)))
    factories.advance_to(approved, "2026-03-12 11:30")
    run = runs.newest(approved.database, 1)[0]
    told = "previous evaluation, Balanced was changed by advisor on Thu 12 Mar 2026 11:00: SPY 60 % → 50 %; "
    notes = [note for entry in entries(run_report(approved, run.id)) for note in entry.notes]
    assert [note for note in notes if "was changed" in note] == [f"Since the account's {told}TLT 35 % → 45 %."]
    (section,) = account_report(approved, "a").sections
    assert sum(told in note for day in section.days for one in day.entries for note in one.notes) == 1
