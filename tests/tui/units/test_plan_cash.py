"""Cash before, the amounts of the lines and cash after: what is printed of a plan adds up to the cent."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from rebal_tui.domain.cash import Owner, OwnerKind
from rebal_tui.domain.quantities import CENT, parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.plain.texts import preview_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.desk import preview
from rebal_tui.services.reports.build import run_report
from rebal_tui.services.runs.manual import create_run
from rebal_tui.store import reservations
from rebal_tui.tui.screens.shared.plan_effects import plan_effects
from rebal_tui.tui.screens.shared.plan_lines import preview_lines
from tests.services import factories


@pytest.fixture
def book() -> Book:
    """A book whose plan sells two assets for an amount with most of a cent behind its last whole one."""
    odd = factories.simple_book(cash="10.009", held={"SPY": "60.111111111", "TLT": "1", "GLD": "33.777777777"})
    factories.set_price(odd, "GLD", "171.37")
    factories.set_price(odd, "SPY", "401.13")
    return odd


def amounts(text: str) -> list[Decimal]:
    return [Decimal(one.replace(",", "")) for one in re.findall(r"\$([\d,]+\.\d\d)", text)]


def moved(lines: list[str]) -> Decimal:
    """What the orders add to cash; each line has a side and then the dollars of its order."""
    assert sum("sell" in line for line in lines) == 2
    return sum((amounts(line)[0] if "sell" in line else -amounts(line)[0] for line in lines), Decimal(0))


def test_the_lines_of_a_preview_lead_from_its_cash_to_the_cash_after_it(book: Book) -> None:
    view = preview(book, "a")
    cut = sum(line.order_amount // CENT * (1 if line.side == "sell" else -1) for line in view.plan.lines)
    assert cut + view.plan.cash // CENT != view.plan.cash_after // CENT, "amounts cut to the cent would not add up"

    spoken = list(preview_text(view))
    before, after = amounts(next(line for line in spoken if line.startswith("Cash: ")))
    assert before + moved([line for line in spoken if re.match(r"\w+: (sell|buy) ", line)]) == after

    screen = ["".join(text for text, _ in line) for line in preview_lines(view)(200, 60)]
    assert amounts(next(line for line in screen if " cash " in line))[1:3] == [before, after]
    traded = [re.sub(r" ([\d,]+\.\d\d) ", r" $\1 ", line[25:], count=1) for line in screen if re.search("[▲▼]", line)]
    sides = [line[9:17] for line in screen if re.search("[▲▼]", line)]
    assert before + moved([side + amount for side, amount in zip(sides, traded, strict=True)]) == after

    sells, buys, cash = (amounts(effect.amount) for effect in plan_effects([view]))
    assert [*cash] == [before, before + sells[0] - buys[0]] == [before, after]


def test_the_plan_of_a_report_adds_up_too(book: Book) -> None:
    run = create_run(book, "a", RunType.FULL_REBALANCE)
    factories.advance(book, 1)
    days = run_report(book, run.id).sections[0].days
    (plan,) = (
        table for day in days for entry in day.entries for table in entry.tables if table.title.startswith("Plan")
    )
    _, before, after, _ = amounts(plan.title)
    orders = [row[plan.columns.index("Order")] for row in plan.rows]
    assert before + moved(orders) == after
    sold = next(row for row in plan.rows if row[0] == "GLD")
    assert amounts(sold[plan.columns.index("Value")]) == amounts(sold[plan.columns.index("Order")])


def test_reserved_cash_is_in_neither_figure(book: Book) -> None:
    before = preview(book, "a")
    with book.write() as tx:
        reservations.add(tx, "a", Owner(OwnerKind.PERSON, "Ann"), parse_money("7.50"), book.now())
        tx.reload_accounts(["a"])
    after = preview(book, "a")
    assert before.cash - after.cash == parse_money("7.50")
    assert after.cash_after <= after.plan.cash_target + CENT
