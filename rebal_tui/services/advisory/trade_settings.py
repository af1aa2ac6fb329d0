"""Trading settings of accounts, subscriptions and the book (R-64, R-65, R-67).

Those of an account are whole shares and minimum trade; those of a subscription are its overrides.
"""

from __future__ import annotations

from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.quantities import money_text, percent_text
from rebal_tui.domain.trading_rules import AccountSettings, Overrides
from rebal_tui.engine.trace_text import condition_words
from rebal_tui.services.book.book import ADVISOR, Book
from rebal_tui.services.evaluation.review_rule import subscription_needs_review
from rebal_tui.store import trading_rules


def account_settings(book: Book, account_id: str) -> AccountSettings:
    """The trading settings of an account; defaults if it has none of its own. Raises `NotFound`."""
    return book.rules_view.settings.get(book.account(account_id).id, AccountSettings())


def settings_of(book: Book, account_id: str) -> tuple[AccountSettings, Overrides | None]:
    """The trading settings of an account, and its subscription's overrides (R-67), None without a subscription."""
    overrides = book.rules_view.overrides.get(account_id, Overrides()) if account_id in book.subscriptions else None
    return account_settings(book, account_id), overrides


def settings_texts(
    book: Book, account_id: str, settings: AccountSettings, overrides: Overrides | None
) -> tuple[str, ...]:
    """The trading settings of an account under `overrides`, as sentences that name where each is set (R-67)."""
    shares = "Whole shares only." if settings.whole_shares else "Fractions of shares where the broker takes them."
    subscription = book.subscriptions.get(account_id)
    portfolio = None if subscription is None else book.portfolios[subscription.portfolio_id]
    own = overrides or Overrides()
    scopes = (
        ("for this subscription", own.minimum_trade),
        ("for this account", settings.minimum_trade),
        ("for the portfolio", None if portfolio is None else portfolio.minimum_trade),
        ("for the book", book_minimum(book)),
    )
    minimum = next((f"Minimum trade {minimum_text(one)}, set {scope}." for scope, one in scopes if one is not None), "")
    texts = [shares, minimum or "No minimum trade but $1."]
    if portfolio is not None:
        days = portfolio.cooldown_days if own.cooldown_days is None else own.cooldown_days
        scope = "portfolio" if own.cooldown_days is None else "subscription"
        texts.append(f"Cooldown {days} days, set for the {scope}.")
        review = subscription_needs_review(book, portfolio, own.review)
        texts.append("Automatic runs wait for review." if review else "Automatic runs need no review.")
    return tuple(texts)


def set_account_settings(book: Book, account_id: str, settings: AccountSettings) -> None:
    """Store the trading settings of an account; they apply from the next evaluation on. Raises `NotFound`."""
    if account_settings(book, account_id) == settings:
        return
    with book.write() as tx:
        trading_rules.put_account_settings(tx, [(account_id, settings)])
        detail = {"whole_shares": settings.whole_shares, "minimum_trade": minimum_text(settings.minimum_trade)}
        tx.record("account.settings", account_id, detail, ADVISOR)
        tx.reload_holds()


def set_overrides(book: Book, subscription_id: str, overrides: Overrides | None) -> None:
    """Store the settings of a subscription that replace those of its portfolio (R-67); None removes them all.

    Raises `NotFound` when no such subscription is active.
    """
    account_id = book.subscription_table.account_of(subscription_id)
    if account_id is None:
        raise NotFound(f"no subscription {subscription_id}")
    wanted = None if overrides == Overrides() else overrides
    if book.rules_view.overrides.get(account_id) == wanted:
        return
    with book.write() as tx:
        if wanted is None:
            trading_rules.remove_overrides(tx, subscription_id)
        else:
            trading_rules.put_overrides(tx, [(subscription_id, wanted)])
        detail = {"account": account_id, "overrides": list(override_texts(wanted or Overrides()))}
        tx.record("subscription.overrides", subscription_id, detail, ADVISOR)
        tx.reload_holds()
        tx.reload_subscriptions([account_id])


def book_minimum(book: Book) -> MinimumTrade | None:
    """The minimum trade where no subscription, account or portfolio sets one (R-64); None if the book has none."""
    return book.rules_view.minimum_trade


def set_book_minimum(book: Book, minimum: MinimumTrade | None) -> tuple[str, ...]:
    """Store the minimum trade of the whole book (R-64); None removes it.

    It applies from the next evaluation on, to accounts for which no subscription, account or portfolio sets one.
    Returns one text that describes the change, or no text if nothing changed.
    """
    if book_minimum(book) == minimum:
        return ()
    changed = (f"minimum trade {minimum_text(minimum)}",)
    with book.write() as tx:
        trading_rules.put_book_minimum(tx, minimum)
        tx.record("book.settings", "book", {"changed": list(changed)}, ADVISOR)
        tx.reload_holds()
    return changed


def minimum_text(minimum: MinimumTrade | None) -> str:
    """A minimum trade as text, such as `$250.00 or 1 %` (the larger of the two applies); `none` for None."""
    if minimum is None:
        return "none"
    amount, percent = f"${money_text(minimum.amount)}", f"{percent_text(minimum.percent)} %"
    if not minimum.percent:
        return amount
    return f"{amount} or {percent}" if minimum.amount else percent


def override_texts(overrides: Overrides) -> tuple[str, ...]:
    """The overrides of a subscription as texts, such as `cooldown 31 days` and `minimum trade $250.00`."""
    found = []
    if overrides.cooldown_days is not None:
        found.append(f"cooldown {overrides.cooldown_days} days")
    if overrides.conditions is not None:
        texts = " · ".join(condition_words(one) for one in overrides.conditions)
        found.append(f"conditions {texts or 'none'}")
    if overrides.minimum_trade is not None:
        found.append(f"minimum trade {minimum_text(overrides.minimum_trade)}")
    if overrides.review is not None:
        found.append("review" if overrides.review else "no review")
    return tuple(found)
