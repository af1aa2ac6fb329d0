"""Audit entries about the book, its assets, jobs, broker, market and custodian files as sentences."""

from __future__ import annotations

from collections.abc import Mapping

from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.reports.names import account_name, name_of, why
from rebal_tui.services.reports.texts import money, percent_cell, price_cell, shares
from rebal_tui.services.reports.trading_sentences import Detail, Sentence


def _fixed(sentence: str) -> Sentence:
    return lambda *_: sentence


def _imported(_book: Book, _subject: str, detail: Detail) -> str:
    kinds = ("accounts", "portfolios", "assets", "restrictions", "subscriptions")
    return f"Imported {', '.join(f'{detail[kind]:,} {kind}' for kind in kinds if kind in detail)}."


def _guards(_book: Book, _subject: str, detail: Detail) -> str:
    return f"Safeguards changed: {', '.join(f'{name} {value}' for name, value in detail.items())}."


def _settings(_book: Book, _subject: str, detail: Detail) -> str:
    return f"Settings of the book changed: {'; '.join(detail['changed'])}."


def _review(_book: Book, _subject: str, detail: Detail) -> str:
    if detail["on"]:
        return "Every automatic run now awaits review."
    return "Automatic runs await review only where their portfolio or account requires it."


def _needs_adjustment(book: Book, subject: str, detail: Detail) -> str:
    reason = detail.get("fault") or f"{', '.join(detail['assets'])} cannot be bought"
    return f"{name_of(book, subject)} needs adjustment: {reason}."


def _status(words: str) -> Sentence:
    return lambda book, subject, _: f"{name_of(book, subject)} {words}."


def _hold(_book: Book, subject: str, detail: Detail) -> str:
    close, price = (price_cell(Price(detail[key])) for key in ("close", "price"))
    return f"{subject} put on hold: its price jumped from {close} to {price}."


def _corporate_action(_book: Book, _subject: str, detail: Detail) -> str:
    return f"Corporate action: {detail['action']}, {count_text(detail['accounts'], 'account')}."


def _renamed(_book: Book, _subject: str, detail: Detail) -> str:
    return f"{detail['from']} is named {detail['to']}."


def _shock(_book: Book, subject: str, detail: Detail) -> str:
    what = "all assets" if subject == "all" else subject
    return f"Price of {what} changed by {detail['percent']} %."


def _prices(_book: Book, _subject: str, detail: Detail) -> str:
    given = detail.get("prices", detail)
    return f"{count_text(len(given), 'price')} set: {', '.join(sorted(given)[:6])}{', …' if len(given) > 6 else ''}."


def _job(words: str) -> Sentence:
    return lambda _book, subject, _: f"{words}: {subject.replace('_', ' ')}."


def _missed(_book: Book, _subject: str, detail: Detail) -> str:
    return f"{count_text(len(detail['sessions']), 'session')} missed while the program was not running."


def _quarantine(words: str) -> Sentence:
    def sentence(book: Book, subject: str, detail: Detail) -> str:
        account = f" of {account_name(book, detail['account'])}" if detail.get("account") else ""
        kind = str(detail["kind"]).replace("_", " ").capitalize()
        return f"{kind} {subject}{account} {words}{why(detail.get('reason'))}."

    return sentence


def _list_made(_book: Book, subject: str, detail: Detail) -> str:
    return f"Trade list {subject} made with {count_text(detail['lines'], 'line')}."


def _list_written(_book: Book, subject: str, detail: Detail) -> str:
    form = "" if detail["format"] == "generic" else f" in the {detail['format']} format"
    again = f" again, copy {detail['copy']}" if detail["copy"] else ""
    return f"Trade list {subject} written{form}{again}."


def _list_closed(_book: Book, subject: str, detail: Detail) -> str:
    return f"Trade list {subject} closed; {count_text(detail['lines'], 'line')} ended without all fills."


def _files_imported(_book: Book, _subject: str, detail: Detail) -> str:
    extra = [f"{detail[key]:,} {key}" for key in ("new", "missing", "fills") if detail.get(key)]
    if detail.get("renamed"):
        extra.append(f"{len(detail['renamed']):,} renamed")
    counts = f" ({', '.join(extra)})" if extra else ""
    return f"Positions of {detail['as_of'][:10]} imported: {count_text(detail['accounts'], 'account')}{counts}."


def _import_undone(_book: Book, _subject: str, detail: Detail) -> str:
    return f"Import {detail['import']} taken back; {count_text(detail['accounts'], 'account')} removed."


def _files_fills(_book: Book, _subject: str, detail: Detail) -> str:
    unmatched = f"; {detail['unmatched']:,} on no trade list" if detail["unmatched"] else ""
    return f"{count_text(len(detail['booked']), 'fill')} booked from a file{unmatched}."


def _filled_by_hand(_book: Book, subject: str, detail: Detail) -> str:
    price = price_cell(Price(detail["price"]))
    return f"Fill of trade list {subject}, line {detail['line']}: {shares(Qty(detail['qty']))} shares at {price}."


def _holding_set(book: Book, subject: str, detail: Detail) -> str:
    before, after = (shares(Qty(detail[key])) for key in ("before", "after"))
    return f"{detail['symbol']} of {account_name(book, subject)} changed from {before} to {after} shares."


def _custodian(_book: Book, subject: str, detail: Detail) -> str:
    named = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in detail.items())
    return f"Settings of custodian {subject} changed: {named}."


def _opened(book: Book, subject: str, detail: Detail) -> str:
    return f"Account {account_name(book, subject)} opened with {money(Money(detail['cash']))}."


BOOK: Mapping[str, Sentence] = {
    "book.imported": _imported,
    "book.demonstration": lambda _book, _subject, detail: (
        f"Demonstration made: {count_text(detail['accounts'], 'account')}."
    ),
    "book.halted": _fixed("Kill switch on: no new order is sent."),
    "book.released": _fixed("Kill switch off: orders are sent again."),
    "book.guards": _guards,
    "book.settings": _settings,
    "book.review": _review,
    "alert.acknowledged": lambda _book, subject, _: f"Alert {subject} acknowledged.",
    "portfolio.created": lambda _book, _subject, detail: f"{detail['name']} created.",
    "portfolio.inactivated": _status("deactivated"),
    "portfolio.reactivated": _status("reactivated"),
    "portfolio.needs_adjustment": _needs_adjustment,
    "asset.hold": _hold,
    "asset.hold_released": lambda _book, subject, _: f"{subject} released from its hold.",
    "asset.hold_explained": lambda _book, subject, _: f"The price jump of {subject} was explained; its hold ended.",
    "asset.renamed": _renamed,
    "corporate_action": _corporate_action,
    "market.shock": _shock,
    "market.prices": _prices,
    "market.asset_added": lambda _book, subject, _: f"{subject} added to the market.",
    "market.asset_changed": lambda _book, subject, _: f"{subject} changed in the market.",
    "surge.held": lambda _book, _subject, detail: (
        f"{count_text(detail['runs'], 'run')} await review: the session trades unusually much."
    ),
    "job.paused": _job("Job paused"),
    "job.resumed": _job("Job resumed"),
    "scheduler.missed": _missed,
    "book.archived": lambda _book, _subject, detail: (
        f"The years to {detail['through']} moved into the archive {detail['file']}: "
        f"{count_text(detail['counts']['runs'], 'run')}, {count_text(detail['counts']['decisions'], 'decision')}."
    ),
    "book.archive_found": lambda _book, _subject, detail: f"The archive is now {detail['file']}.",
    "quarantine.entered": _quarantine("quarantined"),
    "quarantine.left": _quarantine("is in order again"),
    "broker.notice": lambda _book, _subject, detail: f"Notice of the broker: {detail['note']}.",
    "account.opened": _opened,
    "account.status": lambda book, subject, detail: (
        f"Account {account_name(book, subject)} is {detail['status'].lower()}."
    ),
    "account.assets_known": lambda book, subject, _: f"All assets of {account_name(book, subject)} are known again.",
    "reconciliation.accounts": lambda _book, _subject, detail: (
        f"{count_text(len(detail['accounts']), 'new account')} found at the broker."
    ),
    "files.imported": _files_imported,
    "files.import_undone": _import_undone,
    "files.fills": _files_fills,
    "files.filled_by_hand": _filled_by_hand,
    "files.list_made": _list_made,
    "files.list_written": _list_written,
    "files.list_closed": _list_closed,
    "files.custodian": _custodian,
    "files.buffer": lambda _book, _subject, detail: (
        f"Cash buffer of trade lists set to {percent_cell(detail['buffer'])}."
    ),
    "files.prices": _prices,
    "files.asset_entered": lambda _book, subject, detail: (
        f"{subject} {'added' if detail['new'] else 'changed'} manually."
    ),
    "files.asset_removed": lambda _book, subject, _: f"{subject} removed.",
    "files.account_added": _opened,
    "files.account_edited": lambda book, subject, _: f"Account {account_name(book, subject)} edited manually.",
    "files.account_removed": lambda _book, subject, _: f"Account {subject} removed.",
    "files.holding_set": _holding_set,
}
"""Sentences by action."""
