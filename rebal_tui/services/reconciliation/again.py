"""A pause looked at again: what it was for may have been on its way only.

It ends by itself when what was told since leads exactly from the figures that it was judged by to the broker's, and the
orders agree. A difference that nothing tells of stays, however alike the figures have become, until an advisor has
looked at it; so does what no event can explain.
"""

from __future__ import annotations

from rebal_tui.broker.protocol import BrokerEvent, BrokerRefused, EventKind
from rebal_tui.services import passed_over
from rebal_tui.services.book import Book
from rebal_tui.services.reconciliation.figures import explains, mismatches
from rebal_tui.services.reconciliation.findings import Findings
from rebal_tui.services.reconciliation.ground import Ground
from rebal_tui.services.reconciliation.orders import reconcile_run
from rebal_tui.services.reconciliation.reconcile import ALERT, LATE
from rebal_tui.services.reconciliation.told import events_from
from rebal_tui.store import holds, jobs, runs
from rebal_tui.store.holds import Hold


def look_again(book: Book) -> None:
    """Let paused accounts of which something was told go on when it explains all that they were paused for."""
    for account_id in sorted(book.retold & book.holds.keys()):
        hold = book.holds[account_id]
        if hold.ground is not None and book.now() < hold.at + LATE and _explained(book, account_id, hold):
            _go_on(book, account_id, hold)
    book.retold.clear()


def _explained(book: Book, account_id: str, hold: Hold) -> bool:
    ground = Ground.of(hold.ground or "")
    found = Findings()
    if ground.run:
        reconcile_run(book, runs.get(book.database, ground.run), found, [])
    if found.reasons:
        return False
    # A broker at the other end of a wire is believed in its accounts, which are read all the time.
    return book.live is not None or _figures_explained(book, account_id, ground, hold)


def _figures_explained(book: Book, account_id: str, ground: Ground, hold: Hold) -> bool:
    ours = book.account(account_id)
    try:
        theirs = book.broker.account(account_id)
    except BrokerRefused:
        return False
    if any(mismatches(ours, theirs)):
        return False
    told = _told_since(book, account_id, ground)
    # Shares that come from elsewhere are told of without figures. They are known to be those only when it was told of
    # what had happened before the figures were compared.
    announced = any(event.kind is EventKind.ACCOUNT and event.at <= hold.at for event in told)
    return explains(ground.figures(ours), told, theirs, shares=not announced)


def _told_since(book: Book, account_id: str, ground: Ground) -> list[BrokerEvent]:
    """What was taken over of an account since it was judged."""
    missing = set(passed_over.numbers(book.database))
    first = min((ground.cursor, *(number - 1 for number in ground.passed)))
    return [
        event
        for event in events_from(book, first)
        if event.account_id == account_id and ground.is_new(event) and event.seq not in missing
    ]


def _go_on(book: Book, account_id: str, hold: Hold) -> None:
    with book.database.write():
        holds.remove(book.database, account_id)
        jobs.clear_alert(book.database, ALERT, account_id, book.now())
        book.record("reconciliation.explained", account_id, {"reason": hold.reason}, "broker")
    del book.holds[account_id]
    book.agenda.add([account_id])
    book.version += 1
