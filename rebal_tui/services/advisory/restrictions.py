"""Restrictions of accounts, portfolios and the book (R-60): adding and lifting them, for one account or many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from rebal_tui.domain.errors import Fault, Invalid, NotFound
from rebal_tui.domain.text import MAX_NOTE_LENGTH, display_text
from rebal_tui.domain.trading_rules import (
    Concerned,
    RestrictionDraft,
    RestrictionScope,
    TradeRestriction,
    range_fault,
)
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.parsing.fields import shown
from rebal_tui.store import book_settings, jobs, trading_rules

ENDING_ALERT = "restriction_ends"
"""Kind of the alert of a restriction that holds for the last session; its subject is the restriction."""
_ENDED_BY = "its end date"


def add_restrictions(
    book: Book, draft: RestrictionDraft, concerned: Concerned, who: str = "advisor"
) -> list[TradeRestriction]:
    """Add the restriction `draft` to each of the accounts, to the portfolio or to the book that `concerned` names.

    One transaction, with an audit entry for each restriction. `who` is the actor in the audit trail. Raises `NotFound`
    for an unknown account or portfolio, and `Invalid` with every fault of the draft.
    """
    reason = check_draft(book, draft)
    for account_id in concerned.account_ids:
        book.account(account_id)
    if concerned.portfolio_id is not None:
        book.portfolio(concerned.portfolio_id)
    now = book.now()
    with book.write() as tx:
        made = [
            TradeRestriction(
                book_settings.next_id(tx), concerned.scope, draft.kind, reason, draft.symbol, account_id,
                concerned.portfolio_id, draft.minimum, draft.maximum, draft.unit, draft.until, who, now,
            )
            for account_id in concerned.account_ids or (None,)
        ]  # fmt: skip
        trading_rules.add_restrictions(tx, made, now)
        for one in made:
            _record(tx, "restriction.added", one, who)
        tx.reload_holds()
    return made


def lift_restrictions(book: Book, identities: Collection[str], who: str = "advisor") -> list[TradeRestriction]:
    """End the restrictions with these ids now, in one transaction with an audit entry for each.

    Raises `NotFound` if one does not exist or was lifted already; nothing is lifted then.
    """
    known = {one.id: one for one in book.rules_view.restrictions}
    for identity in identities:
        if identity not in known:
            raise NotFound(f"no restriction {identity}")
    lifted = [known[identity] for identity in dict.fromkeys(identities)]
    with book.write() as tx:
        _end(tx, lifted, "restriction.lifted", who)
    return lifted


def end_restrictions(book: Book, today: date) -> tuple[int, int]:
    """End the restrictions whose last day has passed, and raise an alert for those whose last session is today's.

    Returns how many restrictions were ended, and how many alerts were raised.
    """
    ended = [one for one in book.rules_view.restrictions if one.until is not None and one.until < today]
    session = book.calendar.session(today)
    following = None if session is None else session.next_day
    ending = [
        one
        for one in book.rules_view.restrictions
        if one.until is not None and following is not None and today <= one.until < following
    ]
    if ended or ending:
        with book.write() as tx:
            _end(tx, ended, "restriction.ended", "scheduler", _ENDED_BY)
            for one in ending:
                text = f"{subject_text(book, one)}: {one.text} ends with today's session"
                jobs.raise_alert(tx, book.now(), ENDING_ALERT, one.id, text)
    return len(ended), len(ending)


def check_draft(book: Book, draft: RestrictionDraft) -> str:
    """The reason of a draft, cleaned for storing. Raises `Invalid` with every fault of the draft, by field."""
    faults, reason = [], ""
    try:
        reason = display_text(draft.reason.strip(), MAX_NOTE_LENGTH)
    except ValueError as error:
        faults.append(Fault("reason", str(error)))
    else:
        if not reason:
            faults.append(Fault("reason", "expected a reason"))
    if draft.kind.of_account and draft.symbol is not None:
        faults.append(Fault("symbol", f"expected no symbol for {draft.kind}, which concerns whole accounts"))
    elif not draft.kind.of_account and draft.symbol is None:
        faults.append(Fault("symbol", f"expected the symbol of the asset for {draft.kind}"))
    elif draft.symbol is not None and draft.symbol not in book.assets:
        faults.append(Fault("symbol", f"unknown asset {shown(draft.symbol)}"))
    if draft.until is not None and draft.until < book.today():
        faults.append(Fault("until", f"expected today or later, got {draft.until}"))
    made = TradeRestriction(
        "", RestrictionScope.BOOK, draft.kind, "", minimum=draft.minimum, maximum=draft.maximum, unit=draft.unit
    )
    fault = range_fault(made)
    if fault:
        faults.append(Fault("min", fault))
    if faults:
        raise Invalid(faults)
    return reason


def subject_text(book: Book, one: TradeRestriction) -> str:
    """What a restriction applies to, as display text: account, portfolio or whole book, and the asset if any."""
    if one.account_id is not None:
        account = book.accounts.get(one.account_id)
        who = one.account_id if account is None else f"{account.name} ({account.account_number})"
    elif one.portfolio_id is not None:
        portfolio = book.portfolios.get(one.portfolio_id)
        who = one.portfolio_id if portfolio is None else f"portfolio {portfolio.name}"
    else:
        who = "the whole book"
    return who if one.symbol is None else f"{who}, {one.symbol}"


def in_force(book: Book, account_id: str) -> Sequence[TradeRestriction]:
    """The restrictions that apply to an account today, including those of its portfolio and of the book."""
    subscription = book.subscriptions.get(account_id)
    portfolio_id = None if subscription is None else subscription.portfolio_id
    return book.rules_view.restrictions_of(account_id, portfolio_id, book.today())


def _end(tx: BookTransaction, some: Iterable[TradeRestriction], action: str, who: str, by: str = "") -> None:
    now = tx.book.now()
    for one in some:
        trading_rules.lift(tx, one.id, by or who, now)
        jobs.clear_alert(tx, ENDING_ALERT, one.id, now)
        _record(tx, action, one, who)
    tx.reload_holds()


def _record(tx: BookTransaction, action: str, one: TradeRestriction, who: str) -> None:
    detail = {
        "restriction": one.id,
        "kind": one.kind.value,
        "symbol": one.symbol,
        "reason": one.reason,
        "until": None if one.until is None else one.until.isoformat(),
    }
    tx.record(action, one.account_id or one.portfolio_id or "book", detail, who)
