"""The figures of one account: what its percentages are of, and an account that follows no portfolio."""

from __future__ import annotations

from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.plain.texts import holdings_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.account_page import account_page
from rebal_tui.services.queries.desk import account_view
from rebal_tui.services.queries.market import asset_view
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.tui.screens.shared.account_lines import account_lines
from tests.services.factories import SLOW, account, advance, balanced, fill_book, make_book
from tests.services.queries.test_desk import drifted_book


def shown(book: Book, width: int = 80) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in account_lines(account_view(book, "a"))(width, 40)]


def test_percentages_of_an_account_with_reserved_cash_name_their_base() -> None:
    """SPY $60,000, TLT $24,000 and cash $16,000, of which $9,000 are reserved."""
    book = drifted_book("60", "100", cash="16000")
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("9000"))
    advance(book, 5)
    view = account_view(book, "a")
    assert view.managed is not None
    assert (view.reserved, view.equity - view.managed) == (parse_money("9000"), parse_money("9000"))
    lines = shown(book)
    start = next(number for number, text in enumerate(lines) if text.startswith("Holdings"))
    assert lines[start].endswith("in % of managed equity")
    cash = next(text for text in lines[start:] if text.startswith("free cash"))
    assert cash.split()[-1] != "16,000.00"
    equity, managed = f"{view.equity // 10**7 / 100:,.2f}", f"{view.managed // 10**7 / 100:,.2f}"
    text = f"Managed equity {managed} is equity without 9,000.00 of reserved cash."
    assert text in lines
    assert any(line.startswith(f"Equity {equity}  Cash ") for line in lines)
    spoken = list(holdings_text(view))
    assert spoken[:2] == ["Holdings, 2 assets, in percent of managed equity.", text]
    assert spoken[-1].startswith("free cash: ")


def test_an_account_without_a_portfolio_has_neither_targets_nor_drift() -> None:
    book = make_book()
    fill_book(book, [account("a", "5000", {"SPY": "100", "TLT": "50"})], [balanced()], {})
    lines = shown(book)
    start = next(number for number, text in enumerate(lines) if text.startswith("Holdings"))
    assert [text.split() for text in lines[start + 1 : start + 5]] == [
        ["Target", "Actual", "Drift", "Value", "$"],
        ["SPY", "–", "80.00", "–", "40,000.00"],
        ["TLT", "–", "10.00", "–", "5,000.00"],
        ["cash", "–", "10.00", "–", "5,000.00"],
    ]
    assert not any("Cash target" in line for line in lines)
    assert list(holdings_text(account_view(book, "a")))[1] == "SPY: no target, actual 80.00 percent, value $40,000.00"
    assert [holder.target for holder in asset_view(book, "SPY").holders] == [None]


def test_the_printed_holdings_of_an_account_add_up_to_its_equity() -> None:
    """Three holdings worth half a cent less than a whole cent: cut, each would lack a cent of the equity."""
    book = make_book()
    held = {"SPY": "1.0000249", "TLT": "2.0000996", "GLD": "3.0000553"}
    fill_book(book, [account("a", "10", held)], [balanced()], {})
    page = account_page(book, "a")
    assert page.view.equity == parse_money("1150.03") == page.detail.row.equity
    assert sum(one.value for one in page.view.holdings) + page.view.cash == page.view.equity
    assert [one.value for one in page.detail.positions] == [one.value for one in page.view.holdings]


def test_the_desk_and_the_page_of_an_account_show_the_same_withdrawable_cash_while_buys_are_open() -> None:
    book = make_book(model=SLOW)
    fill_book(book, [account("a", "10000")], [balanced()], {"a": "balanced"})
    scheduler.tick(book)
    assert book.broker.open_orders("a")
    view, row = account_view(book, "a"), account_page(book, "a").detail.row
    assert row.cash == parse_money("10000")
    assert view.withdrawable == row.withdrawable < parse_money("600")


def test_the_account_lines_name_unsettled_cash() -> None:
    book = drifted_book("60", "100", cash="16000")
    assert not any("Unsettled" in line for line in shown(book))
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("20000"))
    advance(book, 5)
    unsettled = account_view(book, "a").unsettled
    assert unsettled
    assert any(f"Unsettled {unsettled // 10**7 / 100:,.2f}" in line for line in shown(book))
    assert all(len(line) <= 40 for line in shown(book, 40) if "Unsettled" in line)
