"""Entries of the audit trail as sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rebal_tui.domain.accounts import RESTRICTION_TEXTS, Restriction
from rebal_tui.domain.quantities import Money, parse_money
from rebal_tui.services.book.book import Book
from rebal_tui.services.reports.book_sentences import BOOK
from rebal_tui.services.reports.names import name_of, why
from rebal_tui.services.reports.texts import money
from rebal_tui.services.reports.trading_sentences import TRADING, Detail, Sentence
from rebal_tui.store.audit import AuditEntry


def audit_sentence(book: Book, entry: AuditEntry) -> str:
    """An audit entry as a sentence that does not name who acted.

    For an unknown action, the sentence is the action's code in words and the subject.
    """
    detail = json.loads(entry.detail)
    shape = _SENTENCES.get(entry.action)
    if shape is not None and isinstance(detail, dict):
        try:
            return shape(book, entry.subject, detail)
        except (KeyError, TypeError, ValueError):
            pass
    words = entry.action.replace(".", " ").replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}: {name_of(book, entry.subject)}."


def _amount(detail: Detail) -> str:
    return money(Money(abs(int(detail["amount"]))))


def _cash(words: str) -> Sentence:
    return lambda _book, _subject, detail: f"{words} {_amount(detail)}."


def _restrictions(_book: Book, _subject: str, detail: Detail) -> str:
    found = ", ".join(RESTRICTION_TEXTS[Restriction(one)] for one in detail["restrictions"])
    return f"The broker blocked the account: {found}." if found else "The broker lifted every block."


def _restriction(words: str) -> Sentence:
    def sentence(_book: Book, _subject: str, detail: Detail) -> str:
        asset = f" of {detail['symbol']}" if detail["symbol"] else ""
        until = f", until {detail['until']}" if detail["until"] else ""
        return f"Restriction {detail['kind'].replace('_', ' ')}{asset} {words}: {detail['reason']}{until}."

    return sentence


def _account_settings(_book: Book, _subject: str, detail: Detail) -> str:
    shares = "whole shares only" if detail["whole_shares"] else "fractions of shares"
    return f"Settings of the account: {shares}; minimum trade {detail['minimum_trade']}."


def _overrides(_book: Book, _subject: str, detail: Detail) -> str:
    return f"The subscription decides otherwise than its portfolio: {'; '.join(detail['overrides']) or 'nothing'}."


def _subscribed(book: Book, _subject: str, detail: Detail) -> str:
    undone = "Unsubscription undone: subscribed" if detail.get("undo") else "Subscribed"
    return f"{undone} to {name_of(book, detail['portfolio'])}."


def _unsubscribed(_book: Book, _subject: str, detail: Detail) -> str:
    return "Subscription undone: ended." if detail.get("undo") else "Subscription ended."


def _portfolio_updated(book: Book, subject: str, detail: Detail) -> str:
    if detail.get("undo"):
        return f"The last edit of {name_of(book, subject)} was undone."
    if "version" in detail:
        return f"{name_of(book, subject)} returned to version {detail['version']}."
    return f"{name_of(book, subject)} edited."


def _withdrawal(_book: Book, _subject: str, detail: Detail) -> str:
    return f"Withdrawal of {_amount(detail)} requested." if "amount" in detail else "Withdrawal of all cash requested."


def _stage(words: str) -> Sentence:
    return lambda _book, _subject, detail: f"Withdrawal {words}{_why(detail)}."


def _why(detail: Detail) -> str:
    return why(detail.get("why") or detail.get("reason"))


def _journal(words: str) -> Sentence:
    def sentence(_book: Book, _subject: str, detail: Detail) -> str:
        amount = f" of {_amount(detail)}" if "amount" in detail else ""
        return f"Journal{amount} {words}{_why(detail)}."

    return sentence


def _paused(_book: Book, _subject: str, detail: Detail) -> str:
    return f"Trading of the account was paused{_why(detail)}."


def _released(_book: Book, _subject: str, detail: Detail) -> str:
    """What the account had in the book before and has since, if an advisor released it with the broker's figures."""
    before, after = detail["before"], detail["after"]
    changes = []
    for name in sorted({*before, *after} - {"cash"}):
        old, new = before.get(name, "0"), after.get(name, "0")
        if old != new:
            changes.append(f"{name} from {old} to {new} shares")
    if before["cash"] != after["cash"]:
        old, new = (money(parse_money(one["cash"])) for one in (before, after))
        changes.append(f"cash from {old} to {new}")
    figures = f": {', '.join(changes)}" if changes else ", which changes nothing"
    return f"The broker's figures were applied{figures}; trading of the account resumes."


_SENTENCES: Mapping[str, Sentence] = {
    **BOOK,
    **TRADING,
    "account.restrictions": _restrictions,
    "account.paused": _paused,
    "account.settings": _account_settings,
    "subscription.overrides": _overrides,
    "restriction.added": _restriction("added"),
    "restriction.lifted": _restriction("lifted"),
    "restriction.ended": _restriction("ended by its date"),
    "reconciliation.paused": _paused,
    "reconciliation.released": _released,
    "reconciliation.explained": lambda _book, _subject, detail: (
        f"The broker's later reports explain the difference; trading of the account resumes{why(detail.get('reason'))}."
    ),
    "subscription.created": _subscribed,
    "subscription.ended": _unsubscribed,
    "portfolio.updated": _portfolio_updated,
    "cash.deposited": _cash("Deposit requested:"),
    "cash.released": _cash("Reserved cash released:"),
    "cash.deposit": _cash("Deposit of"),
    "cash.ach_return": _cash("A deposit was returned by the bank:"),
    "cash.dividend": _cash("Dividend of"),
    "cash.journal_out": _cash("Cash transferred out:"),
    "cash.journal_in": _cash("Cash transferred in:"),
    "cash.other": lambda _book, _subject, detail: (
        f"Other cash {'added' if int(detail['amount']) > 0 else 'taken'}: {_amount(detail)}."
    ),
    "cash.corporate_action": _cash("Cash from a corporate action:"),
    "withdrawal.requested": _withdrawal,
    "withdrawal.unsubscribed": _stage("took the account out of its portfolio"),
    "withdrawal.selling": _stage("is selling"),
    "withdrawal.settling": _stage("waits for settlement"),
    "withdrawal.journaling": _stage("asks for the transfer"),
    "withdrawal.resubscribing": _stage("returns the account to its portfolio"),
    "withdrawal.completed": _stage("completed"),
    "withdrawal.stopped": _stage("stopped"),
    "withdrawal.retried": _stage("was tried again"),
    "withdrawal.canceled": _stage("canceled"),
    "journal.created": _journal("requested"),
    "journal.queued": _journal("queued at the broker"),
    "journal.sent_to_clearing": _journal("sent to clearing"),
    "journal.executed": _journal("executed"),
    "journal.rejected": _journal("refused by the broker"),
    "journal.refused": _journal("refused by the broker"),
}
"""Sentences by action."""
