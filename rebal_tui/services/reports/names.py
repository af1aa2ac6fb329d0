"""Display names of the subjects of audit entries."""

from __future__ import annotations

from rebal_tui.services.book.book import Book


def name_of(book: Book, subject: str) -> str:
    """The client or portfolio with this id; any other text unchanged."""
    if subject in book.portfolios:
        return book.portfolios[subject].name
    return account_name(book, subject)


def account_name(book: Book, account_id: str) -> str:
    """The client and number of an account; the id itself for an unknown one."""
    account = book.accounts.get(account_id)
    return account_id if account is None else f"{account.name} ({account.account_number})"


def followed_name(book: Book, account_id: str) -> str:
    """The name of the portfolio that an account follows now, `no portfolio` if it follows none."""
    subscription = book.subscriptions.get(account_id)
    return book.portfolios[subscription.portfolio_id].name if subscription else "no portfolio"


def why(reason: object) -> str:
    """The text `: reason`; empty without a reason."""
    return f": {reason}" if reason else ""
