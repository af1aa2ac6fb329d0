"""The figures that screens, dialogs and reports print add up: parts to their total, a list to its panel.

The total is the exact sum to the nearest cent, and each part is rounded, too: `n` parts differ from it by at most n/2
cents. Figures that are cut instead of rounded differ by more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries import accounts, desk, portfolios, runs
from rebal_tui.services.reports import build, render
from rebal_tui.services.simulation.demonstration import history
from rebal_tui.store import past_rows
from rebal_tui.tui import formats
from rebal_tui.tui.screens.account.head import head_lines
from rebal_tui.tui.screens.account.tables import position_columns
from rebal_tui.tui.screens.accounts import columns as account_columns
from rebal_tui.tui.screens.desk import columns as desk_columns
from rebal_tui.tui.screens.portfolios import columns as portfolio_columns
from rebal_tui.tui.screens.portfolios.lines import portfolio_lines
from rebal_tui.tui.screens.runs import columns as run_columns
from rebal_tui.tui.screens.shared.account_lines import whole_account_lines
from rebal_tui.tui.screens.shared.plan_lines import preview_lines
from rebal_tui.tui.screens.shared.run_lines import run_lines
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table_layout import Column
from tests.plain.talking import answer

pytestmark = pytest.mark.slow

CENT = Decimal("0.01")
AMOUNT = r"(-?[\d,]+\.\d\d)"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The demonstration with its history: cash with parts of a cent, reserved cash, runs of all kinds and statuses."""
    path, content = tmp_path_factory.mktemp("sums") / "book.db", history.book_file()
    assert content is not None
    Path(path).write_bytes(content)
    return bootstrap.open_simulation(bootstrap.open_database(path))


def text_of(lines: Builder, width: int = 200, height: int = 200) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines(width, height))


def figure(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def labeled(text: str, label: str) -> Decimal:
    """The first amount that follows a label."""
    found = re.search(rf"{label}:? +\$?{AMOUNT}", text)
    assert found is not None, (label, text)
    return figure(found[1])


def cell(columns: Iterable[Column[Any]], key: str, row: object) -> Decimal:
    """The figure in the cell of a column, without `of ` before what is only ordered."""
    shown = next(column for column in columns if column.key == key).cell(row)
    return figure((shown if isinstance(shown, str) else "".join(text for text, _ in shown)).removeprefix("of "))


def assert_adds_up(parts: Iterable[Decimal], total: Decimal, what: object) -> None:
    known = list(parts)
    assert abs(sum(known) - total) <= CENT * len(known) / 2, (what, sum(known), total, known)


def test_holdings_and_cash_of_an_account_add_up_to_its_equity(book: Book) -> None:
    listed, on_desk = account_columns.columns(), desk_columns.columns()
    desk_rows = {row.account_id: row for row in desk.desk_snapshot(book).rows}
    reserved = [one for one in book.account_table.ids if book.reserved(one)]
    assert reserved
    for account_id in (reserved[0], *book.account_table.ids[::20]):
        view, detail = desk.account_view(book, account_id), accounts.account_detail(book, account_id)
        head = "  ".join("".join(text for text, _ in line) for line in head_lines(detail, 200))
        equity, free = labeled(head, "Equity"), labeled(head, "Cash")
        values = [cell(position_columns(), "value", row) for row in detail.positions]
        assert_adds_up([*values, free], equity, head)
        panel, ready = text_of(whole_account_lines(view)), labeled(head, "Withdrawable")
        assert ready <= free
        if ready == free - CENT:
            assert all(f"{formats.money_down(view.withdrawable)} (rounded down)" in text for text in (head, panel))
        assert (labeled(panel, "Equity"), labeled(panel, "Cash")) == (equity, free)
        assert (cell(listed, "equity", detail.row), cell(listed, "cash", detail.row)) == (equity, free)
        base = equity if view.managed is None else labeled(panel, "Managed equity")
        rows = re.findall(rf"^\S+(?: cash)?(?: \S)? +([\d.–]+) +(-?[\d.]+) +[+–\d.-]+ +{AMOUNT} ", panel, re.MULTILINE)
        assert_adds_up([figure(value) for _, _, value in rows], base, panel)
        assert_adds_up([figure(share) for _, share, _ in rows], Decimal(100), panel)
        if account_id in desk_rows:
            assert abs(cell(on_desk, "equity", desk_rows[account_id]) - equity) <= Decimal("0.5")


def test_accounts_add_up_to_the_totals_of_the_firm(book: Book) -> None:
    """If cash were cut, each account would lack half a cent of it, far more than the rounding of all leaves."""
    listed, rows = account_columns.columns(), [accounts.account_row(book, one) for one in book.account_table.ids]
    text = "\n".join(answer(book, "status"))
    cash_total = sum(cell(listed, "cash", row) for row in rows)
    assert abs(cash_total - labeled(text, "Cash")) <= CENT * len(rows) / 6
    total = re.search(r"Assets under management: \$([\d,]+)$", text, re.MULTILINE)
    assert total is not None, text
    equity = sum(cell(listed, "equity", row) for row in rows)
    assert abs(equity - figure(total[1])) <= Decimal("0.5") + CENT * len(rows) / 6


def test_accounts_of_a_portfolio_add_up_to_its_assets(book: Book) -> None:
    listed = portfolio_columns.columns()
    for row in runs.portfolio_rows(book):
        panel = text_of(portfolio_lines(portfolios.portfolio_view(book, row.id)), 100)
        parts = [figure(one) for one in re.findall(rf"^[●◷▶▲■!☆◌] \S.* {AMOUNT}$", panel, re.MULTILINE)]
        if parts:
            total = figure(re.findall(rf"Subscribers .*\${AMOUNT}", panel)[0])
            assert_adds_up(parts, total, panel)
            assert cell(listed, "assets", row) == total


def test_orders_of_a_run_add_up_to_its_amount_in_the_list(book: Book) -> None:
    listed = run_columns.columns()
    rows = runs.rows_of(book, past_rows.newest(book.database, 12))
    assert sum(bool(row.ordered) for row in rows) > 1, "runs with orders but without an execution"
    for row in rows:
        if row.total:
            panel = text_of(run_lines(runs.run_view(book, row.id)), 150)
            of = "of " if row.ordered else ""
            found = re.findall(rf"^\S+ +[▲▼] \S+ +[█▏▎▍▌▋▊▉░ ]* +{of}{AMOUNT}", panel, re.MULTILINE)
            parts = [figure(one) for one in found]
            assert sum(parts) == cell(listed, "amount", row), panel


def test_lines_of_a_plan_add_up_to_its_totals(book: Book) -> None:
    for account_id in list(book.subscriptions)[:15]:
        text = text_of(preview_lines(desk.preview(book, account_id)))
        percents = 2 if "Goal %" in text else 1
        orders = re.findall(rf"^\S+ +([▲▼]) \S+(?: +[\d.]+){{{percents}}} +{AMOUNT}", text, re.MULTILINE)
        assert sum(figure(amount) for _, amount in orders) == labeled(text, "turnover")
        before, after = (figure(one) for one in re.findall(rf"cash \${AMOUNT} → \${AMOUNT}", text)[0])
        assert before + sum(figure(one) if mark == "▼" else -figure(one) for mark, one in orders) == after


def test_what_a_run_raised_adds_up_and_its_cash_is_that_above_the_cash_target(book: Book) -> None:
    """All that a reader can subtract agrees to the cent; a run that raised its whole amount needed other cash."""
    views = [runs.run_view(book, run.id) for run in past_rows.newest(book.database, 300) if run.amount is not None]
    shown = [one for one in views if one.raised and one.run.status is not RunStatus.COMPLETED_SUCCESS]
    split = 0
    for view in shown:
        assert view.plan is not None
        raised, *parts = (figure(one) for one in re.findall(rf"\${AMOUNT}(?! stays| is)", view.raised))
        over = [figure(one) for one in re.findall(rf"of which \${AMOUNT}", view.raised)]
        assert sum(parts) - sum(over) == raised, view.raised
        cash = re.findall(rf"\${AMOUNT} from cash", view.raised)
        if cash:
            above = figure(formats.money(view.plan.cash)) - figure(formats.money(view.plan.cash_target))
            assert figure(cash[0]) == above, view.raised
            split += "fractions" in view.raised
    assert split, "runs whose printed parts differ from their total by a cent"


def test_the_plan_in_a_report_adds_up(book: Book) -> None:
    some = [run for run in past_rows.newest(book.database, 40) if run.type is not RunType.INVEST_CASH][:1]
    for run in some:
        text = render.markdown(build.run_report(book, run.id))
        found = re.search(rf"equity of \${AMOUNT}, cash \${AMOUNT} before and \${AMOUNT} after", text)
        assert found is not None
        equity, before, after = map(figure, found.groups())
        plan = text[found.end() :].partition("\n\n")[2].partition("\n\n")[0]
        rows = [row.split(" | ") for row in plan.splitlines()[2:]]
        assert_adds_up([*(figure(row[4].replace("$", "")) for row in rows), before], equity, plan)
        orders = re.findall(rf"\| (buy|sell) [^|]*\${AMOUNT}", plan)
        assert before + sum(figure(one) if side == "sell" else -figure(one) for side, one in orders) == after


def test_plain_accounts_say_the_figures_of_the_screens(book: Book) -> None:
    for account_id in book.account_table.ids[:1]:
        row = accounts.account_row(book, account_id)
        text = "\n".join(answer(book, f"account {row.account_number}"))
        for label, key in (("Equity", "equity"), ("Cash", "cash"), ("Withdrawable", "withdrawable")):
            assert labeled(text, label) == cell(account_columns.columns(), key, row)
