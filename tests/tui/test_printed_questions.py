"""The figures of questions and of files written after them add up: the total to its items, an item to its plan."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal

import pytest

from rebal_tui.domain.quantities import Money
from rebal_tui.services.advisory import bulk
from rebal_tui.services.book.book import Book
from rebal_tui.services.files_book import dialogs
from rebal_tui.services.queries import accounts, review
from rebal_tui.services.queries.first_runs import preview_first_run
from rebal_tui.tui import formats
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.accounts.bulk_lines import bulk_effects, bulk_items, bulk_lines
from rebal_tui.tui.screens.cash.forms import withdrawal_proposal
from rebal_tui.tui.screens.shared.approval import approve_question, review_lines
from rebal_tui.tui.screens.shared.plan_effects import FILES_MODE
from rebal_tui.tui.screens.shared.plan_lines import preview_lines
from tests.services.files_book import support
from tests.tui.test_printed_sums import AMOUNT, book, figure, labeled, text_of

pytestmark = pytest.mark.slow

__all__ = ["book"]  # a fixture: tests name it as a parameter


def amount_of(effects: Iterable[Effect], words: str) -> Decimal:
    """The amount of the only effect whose text matches."""
    (found,) = [one.amount for one in effects if re.search(words, one.text)]
    return figure(found.removeprefix("about ").removeprefix("$"))


def ordered(plan: str, mark: str) -> list[Decimal]:
    """The amounts of the orders of a plan's lines, those with the mark of a side."""
    percents = 2 if "Goal %" in plan else 1
    rows = re.findall(rf"^\S+ +{mark} \S+(?: +[\d.]+){{{percents}}} +{AMOUNT}", plan, re.MULTILINE)
    return [figure(one) for one in rows]


def test_the_first_runs_of_a_bulk_change_add_up_to_its_question(book: Book) -> None:
    portfolio = next(iter(book.portfolios))
    ids = [one for one in book.account_table.ids if one in book.subscriptions][:30]
    preview = bulk.preview_subscriptions(book, ids, portfolio, moving=True)
    total = amount_of(bulk_effects(preview, "Move"), "turnover")
    items = [figure(item.amount) for item in bulk_items(preview, lambda _: None) if item.amount]
    listed = re.findall(rf"orders? +{AMOUNT}", text_of(bulk_lines(preview), 120))
    assert len(items) > 5
    assert sum(items) == sum(map(figure, listed)) == total
    for row in [row for row in preview.rows if row.orders][:6]:
        plan = text_of(preview_lines(preview_first_run(book, row.account_id, portfolio)))
        assert labeled(plan, "turnover") == sum(ordered(plan, "[▲▼]")) == figure(formats.money(row.turnover))


def test_a_withdrawal_and_its_plan_say_the_same_figures(book: Book) -> None:
    sold = 0
    for account_id in list(book.subscriptions)[:12]:
        row = accounts.account_row(book, account_id)
        if row.exception or row.equity < 2_000 * 10**9:
            continue
        values = {"account": row.account_number, "amount": formats.money(Money(row.equity // 2))}
        proposal = withdrawal_proposal([])(book, values)
        text = text_of(proposal.lines, 100)
        leaves = amount_of(proposal.effects, "^Leaves")
        assert amount_of(proposal.effects, "^Journaled") == leaves
        sells = ordered(text, "▼")
        assert sum(sells) == amount_of(proposal.effects, "raise") == labeled(text, "turnover")
        before, after = (figure(one) for one in re.findall(rf"cash \${AMOUNT} → \${AMOUNT}", text)[0])
        assert before + sum(sells) == after
        if not row.reserve and row.withdrawable == row.cash:
            assert labeled(text, "Settled cash now") == before
        sold += 1
    assert sold


PRICES = {"AAA": "101.37", "BBB": "48.913", "CCC": "9.8765"}
HELD = {"AAA": "40.123", "BBB": "31", "CCC": "12.5", "CASH": "2345.67"}


def test_the_runs_to_approve_add_up_to_the_question_and_to_the_trade_list() -> None:
    book = support.empty_book(when=support.MONDAY)
    names = "ABCDE"
    held = {name: {**HELD, "BBB": str(20 + 7 * index)} for index, name in enumerate(names)}
    support.imported(book, support.positions(held, "2026-11-30 17:00", PRICES))
    support.follow(book, {"AAA": "35", "BBB": "45", "CCC": "15"}, cash="5")
    views = [review.review_view(book, run.id) for run in support.evaluated(book)]
    assert len(views) == len(names)
    question = approve_question(views, mode=FILES_MODE)
    sold, bought = (amount_of(question.effects, f"{side}s? (is|are) added") for side in ("sell", "buy"))
    assert sum(figure(item.amount) for item in question.items) == sold + bought
    for view, item in zip(views, question.items, strict=True):
        plan = text_of(review_lines(view))
        assert sum(ordered(plan, "[▲▼]")) == figure(item.amount) == labeled(plan, "turnover")
        alone = approve_question([view], mode=FILES_MODE).effects
        for side, mark in (("sell", "▼"), ("buy", "▲")):
            assert sum(ordered(plan, mark)) == amount_of(alone, f"{side}s? (is|are) added")
    support.approve_all(book)
    rows = list(csv.DictReader(io.StringIO(dialogs.write_list(book, "generic", "trades.csv").text)))
    for side, total in (("sell", sold), ("buy", bought)):
        assert sum(figure(row["estimated_amount"]) for row in rows if row["side"].casefold() == side) == total
