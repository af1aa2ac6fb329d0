"""Random books in every state, and random events."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.portfolios import BandType, CalendarCondition, CalendarType, DriftBand
from rebal_tui.domain.quantities import NANO, Percent, Qty, parse_money
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation import account_events
from rebal_tui.store import accounts
from tests.services.brokers import broker
from tests.services.factories import (
    SLOW,
    account,
    advance,
    balanced,
    fill_book,
    make_book,
    monthly,
    new_york,
    set_price,
    unsubscribe_account,
)

WORDS = ("Ruiz", "ana", "Ünal", "straße", "Okafor & Sons", "日本", "O'Brien", "Chen  Wei")
DRIFT = DriftBand(BandType.RELATIVE, Percent(3000))
MODELS = (
    balanced("plain"),
    balanced("tight", conditions=[DriftBand(BandType.ABSOLUTE, Percent(100))]),
    balanced("none", conditions=[], cooldown=0),
    balanced("today", conditions=[monthly("2")], review=True),
    balanced("weekly", {"GLD": "100"}, cash="0",
             conditions=[CalendarCondition(CalendarType.WEEKLY, "Monday"), DRIFT]),
)  # fmt: skip

RESTRICTIONS = tuple(Restriction)[:8]
"""Those without the positions that no rule covers: with these, each of the others becomes too rare."""


def random_book(random: Random) -> Book:
    """Accounts of every type under several portfolios, some trading, some blocked, some without a fresh price."""
    book = make_book(random.choice(("2026-03-02 09:20", "2026-03-02 09:40")), model=SLOW)
    made = []
    for number in range(24):
        held = {
            s: f"{random.randint(0, 90)}.{random.randint(1, 999):03d}"
            for s in ("SPY", "TLT", "GLD")
            if random.random() < 0.7
        }
        one = account(f"a{number:02d}", str(random.choice((0, 9, 12, 900, 60_000)) + random.randint(0, 99)), held)
        made.append(replace(one, name=f"{random.choice(WORDS)} {random.choice(WORDS)}"))
    follows = {one.id: random.choice(MODELS).id for one in made if random.random() < 0.9}
    last = {a: new_york(f"2026-02-{random.randint(2, 27):02d} 10:00") for a in follows if random.random() < 0.8}
    models = [replace(model, name=f"{random.choice(WORDS)} {model.id}") for model in MODELS]
    fill_book(book, made, models, follows, last)
    return book


def act(book: Book, random: Random) -> None:
    """A random change of the book, refused or not."""
    one, what = random.choice(list(book.accounts)), random.randrange(12)
    try:
        if what == 0 and book.feed is not None:
            set_price(
                book, random.choice(("SPY", "TLT", "GLD")), f"{random.randint(60, 700)}.{random.randint(0, 99):02d}"
            )
        elif what == 1:
            deposit(book, one, parse_money(str(random.randint(1, 9_000))))
        elif what == 2:
            account_events.set_restriction(book, one, random.choice(RESTRICTIONS), random.random() < 0.7)
        elif what == 3:
            account_events.set_status(book, one, random.choice((AccountStatus.ACTIVE, AccountStatus.DISABLED)))
        elif what == 4:
            unsubscribe_account(book, one)
        elif what == 5:
            subscriptions.subscribe(book, one, random.choice(MODELS).id)
        elif what == 6:
            account_events.transfer_in(book, one, random.choice(("GLD", "TLT")), Qty(random.randint(1, 5) * NANO))
        elif what == 7:
            request_withdrawal(book, one, parse_money(str(random.randint(1, 400))))
        elif what == 8:
            advance(book, random.choice((2, 15, 60)), 60)
        elif what == 9:
            with book.database.write() as tx:
                borrowed = replace(book.accounts[one], cash=parse_money(str(-random.randint(1, 40_000))))
                accounts.save(tx, [borrowed])
                accounts.set_external_orders(tx, one, random.randint(0, 1))
            book.reload_accounts([one])
        elif what == 10:
            broker(book).set_asset("GLD", book.now(), tradable=random.random() < 0.5)
        else:
            set_halt(book, random.random() < 0.5)
            evaluation_pass(book)
        if random.random() < 0.8:
            scheduler.tick(book)
    except Refusal:
        pass
