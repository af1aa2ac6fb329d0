"""The data of the page of one account, all from one version of the book."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.accounts import account_detail
from rebal_tui.services.queries.desk import account_view
from rebal_tui.services.view_models.account_page import AccountPageView


def account_page(book: Book, account_id: str, times: int = 1) -> AccountPageView:
    """The data of an account's page. Raises `NotFound`.

    It has `times` times as many runs and decisions as the page has when it is opened. Withdrawable cash is the broker's
    figure, as on the Desk: without the cash of open buys.
    """
    view, detail = account_view(book, account_id), account_detail(book, account_id, times)
    row = replace(detail.row, withdrawable=view.withdrawable)
    return AccountPageView(book.version, view, replace(detail, row=row))
