"""An incrementally updated frame equals a frame built from scratch."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from random import Random

import numpy as np
import pytest

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.portfolios import PortfolioUpdate
from rebal_tui.domain.quantities import NANO, Qty, parse_money
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.frame import BookFrame, Mark
from rebal_tui.engine.situation import proposed_again, update_due
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.frame_cache import FrameCache, new_york_days
from rebal_tui.services.book.rules_view import FrameRules
from rebal_tui.services.evaluation.account import situation
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation import account_events
from rebal_tui.store.account_table import RESTRICTIONS
from rebal_tui.store.codec import to_time
from tests.engine.array_books import account_marks
from tests.services.factories import (
    account,
    advance,
    balanced,
    fill_book,
    make_book,
    new_york,
    set_price,
    unsubscribe_account,
)


def filled(count: int = 8) -> Book:
    book = make_book("2026-03-02 09:31")
    made = [account(f"a{n}", f"{n * 900 + 50}", {"SPY": "3", "GLD": "2"} if n % 2 else {}) for n in range(count)]
    models = [balanced(), replace(balanced(), id="other", name="Other")]
    fill_book(book, made, models, {f"a{n}": "balanced" for n in range(count - 2)})
    return book


def same(one: BookFrame, other: BookFrame) -> None:
    for name in ("accounts", "assets", "others"):
        for field in fields(getattr(one, name)):
            mine, yours = (getattr(getattr(frame, name), field.name) for frame in (one, other))
            assert np.array_equal(mine, yours), (name, field.name)
    mine, yours = one.positions(), other.positions()
    assert all(np.array_equal(getattr(mine, f.name), getattr(yours, f.name)) for f in fields(mine))
    assert one.portfolios == other.portfolios


def act(book: Book, random: Random) -> None:
    """A random change of the book, refused or not."""
    one = f"a{random.randrange(8)}"
    what = random.randrange(9)
    try:
        if what == 0:
            set_price(book, random.choice(("SPY", "TLT", "GLD")), str(random.randint(90, 700)))
        elif what == 1:
            deposit(book, one, parse_money(str(random.randint(1, 9_000))))
        elif what == 2:
            account_events.set_restriction(book, one, random.choice(tuple(Restriction)), random.random() < 0.5)
        elif what == 3:
            account_events.set_status(book, one, random.choice((AccountStatus.ACTIVE, AccountStatus.DISABLED)))
        elif what == 4:
            unsubscribe_account(book, one)
        elif what == 5:
            subscriptions.subscribe(book, one, random.choice(("balanced", "other")))
        elif what == 6:
            account_events.transfer_in(book, one, random.choice(("GLD", "TLT")), Qty(random.randint(1, 5) * NANO))
        elif what == 7:
            request_withdrawal(book, one, parse_money(str(random.randint(1, 400))))
        else:
            advance(book, random.choice((1, 15, 60)), 300)
    except Refusal:
        pass
    scheduler.tick(book)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_an_updated_frame_equals_a_new_one(seed: int) -> None:
    random, book = Random(seed), filled()
    for _ in range(25):
        act(book, random)
        frame = book.frame()
        same(frame, FrameCache(book, FrameRules(book)).frame())
        for account_id, row in book.account_table.row_of.items():
            if account_id not in book.subscriptions:
                continue
            now = situation(book, account_id)
            marks = account_marks(
                now.account, open_run=now.open_run is not None, external_orders=bool(now.external_orders)
            )
            last = now.subscription.last_rebalanced_at
            assert {
                "cash": now.account.cash,
                "reserved": now.reserved,
                "cash_floor": now.cash_floor,
                "marks": marks,
                "rebalanced_on": new_york_day(last).toordinal() if last else -1,
            } == {name: int(getattr(frame.accounts, name)[row]) for name in (
                "cash", "reserved", "cash_floor", "marks", "rebalanced_on")}  # fmt: skip
            assert frame.holdings(row) == now.positions
            ran = frame.accounts.system_run_on[row] == new_york_day(book.now()).toordinal()
            assert bool(ran) == (now.quota_run is not None)


def test_an_unchanged_book_keeps_its_frame() -> None:
    book = filled()
    frame = book.frame()
    assert book.frame() is frame


def test_the_marks_of_the_frame_follow_the_restrictions_of_the_table() -> None:
    assert [int(Mark[restriction.name]) for restriction in RESTRICTIONS] == [2 << n for n in range(len(RESTRICTIONS))]


def test_days_are_new_yorks_across_a_change_of_clocks() -> None:
    timestamps = [new_york(f"2026-{day} {time}") for day in ("03-08", "03-09", "11-01", "11-02", "12-31")
               for time in ("00:00", "01:59", "03:00", "23:59")]  # fmt: skip
    found = new_york_days(np.array([to_time(at) for at in timestamps], np.int64))
    assert found.tolist() == [new_york_day(at).toordinal() for at in timestamps]


@pytest.mark.slow
@pytest.mark.parametrize("edits", range(1, 6))
def test_the_frame_follows_portfolios_that_were_edited_several_times_since(edits: int) -> None:
    """The newest portfolios may have the memory addresses that the frame's portfolios had."""
    book = filled()
    for days in range(20):
        book.frame()
        for edit in range(edits):
            edited = replace(book.portfolios["balanced"], cooldown_days=days * 10 + edit)
            book.portfolios = {**book.portfolios, "balanced": edited}
        assert book.frame().portfolios == tuple(book.portfolios.values())


def test_the_frame_has_the_days_on_which_changes_and_repeated_proposals_are_due() -> None:
    random, book = Random(1), filled()
    now = book.now()
    moments = [None, *(now + timedelta(hours=hours) for hours in range(-120, 24, 6))]
    for _ in range(60):
        changed = replace(book.portfolios["balanced"], changed_at=random.choice(moments) or now)
        on_update = random.random() < 0.8
        changed = replace(changed, conditions=(PortfolioUpdate(),) if on_update else ())
        book.portfolios = {**book.portfolios, "balanced": changed}
        for account_id, subscription in list(book.subscriptions.items()):
            day = random.choice([None, *(book.today() + timedelta(days=days) for days in range(-2, 3))])
            book.subscriptions[account_id] = replace(
                subscription, last_rebalanced_at=random.choice(moments), update_spent_at=random.choice(moments),
                propose_on=day,
            )  # fmt: skip
        accounts, today = book.frame().accounts, book.today().toordinal()
        for account_id, subscription in book.subscriptions.items():
            row = book.account_table.row_of[account_id]
            assert (accounts.update_until[row] >= today) == update_due(changed, subscription, now)
            assert (accounts.propose_on[row] == today) == proposed_again(subscription, now)
