"""The columns of a book equal its file, whatever was replaced since it was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.cash import Owner, OwnerKind
from rebal_tui.domain.quantities import Money, Price, Qty, parse_money, parse_price
from rebal_tui.market.protocol import Quote
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.prices import PriceCache
from rebal_tui.store import accounts, reservations
from rebal_tui.store.account_table import AccountTable
from tests.services.factories import account, balanced, fill_book, make_book, new_york, unsubscribe_account

SYMBOLS = ("GLD", "SPY", "TLT")


def changed(random: Random, known: Account) -> Account:
    """The account as a broker might report it next."""
    held = [
        Position(symbol, Qty(random.randint(1, 10**15)), random.choice((None, Price(random.randint(0, 10**13)))))
        for symbol in SYMBOLS
        if random.random() < 0.6
    ]
    return replace(
        known,
        cash=Money(random.randint(-(10**15), 10**15)),
        unsettled=Money(random.randint(0, 10**12)),
        status=random.choice(tuple(AccountStatus)),
        restrictions=frozenset(r for r in Restriction if random.random() < 0.2),
        name=random.choice((known.name, f"{known.name} & Söhne")),
        positions=tuple(held),
    )


def filled(count: int = 6) -> Book:
    book = make_book()
    made = [account(f"a{n}", "1000", {"SPY": "1"} if n % 2 else {}) for n in range(count)]
    fill_book(book, made, [balanced()], {a.id: "balanced" for a in made[:4]})
    return book


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_accounts_replaced_one_by_one_are_those_of_the_file(seed: int) -> None:
    random, book = Random(seed), filled()
    for _ in range(12):
        some = random.sample(sorted(book.accounts), random.randint(1, 3))
        with book.database.write() as tx:
            accounts.save(tx, [changed(random, book.accounts[a]) for a in some])
            owner = Owner(random.choice([OwnerKind.RUN, OwnerKind.PERSON]), str(random.randint(1, 2)))
            reservations.set_amount(tx, some[0], owner, Money(random.randint(0, 10**12)), book.now())
            accounts.set_external_orders(tx, some[0], random.randint(0, 3))
        book.reload_accounts(some)
        assert dict(book.accounts) == accounts.load(book.database)
    carried_over = dict(book.extras)
    rows, indexes = book.account_table.indexes()
    held = [(book.account_table.ids[r], int(book.account_table.qty[p])) for r, p in zip(rows, indexes, strict=True)]
    assert sorted(held) == sorted((a.id, p.qty) for a in book.accounts.values() for p in a.positions)
    book.reload_accounts()
    assert (dict(book.accounts), dict(book.extras)) == (accounts.load(book.database), carried_over)


def test_an_imported_account_is_read_with_the_others() -> None:
    book = filled()
    new = replace(account("late", "50", {"TLT": "3"}), created_at=new_york("2026-01-02 10:00"))
    with book.database.write() as tx:
        accounts.save(tx, [new])
    book.reload_accounts(["late"])
    assert book.accounts["late"].positions == new.positions
    assert ("late" in book.accounts, "late" in book.subscriptions, len(book.accounts)) == (True, False, 7)
    assert "other" not in book.accounts
    with pytest.raises(KeyError):
        book.subscriptions["late"]


def test_reading_reports_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rebal_tui.store.account_table.ACCOUNTS_PER_QUERY", 4)
    progress: list[tuple[int, int]] = []
    table = AccountTable()
    table.load(filled().database, lambda done, total: progress.append((done, total)))
    assert progress == [(4, 6), (6, 6)]


def test_added_and_ended_subscriptions_equal_those_of_the_file() -> None:
    book = filled()
    unsubscribe_account(book, "a1")
    subscriptions.subscribe(book, "a5", "balanced")
    subscriptions.subscribe(book, "a1", "balanced")
    last = book.now() - timedelta(days=1)
    book.subscriptions["a0"] = replace(book.subscriptions["a0"], last_rebalanced_at=last)
    held = dict(book.subscriptions)
    assert held["a0"].last_rebalanced_at == last
    book.subscriptions["a0"] = replace(book.subscriptions["a0"], last_rebalanced_at=None)
    held = dict(book.subscriptions)
    book.reload_portfolios()
    assert dict(book.subscriptions) == held
    assert list(book.subscriptions) == ["a0", "a2", "a3", "a5", "a1"], "the oldest subscription first"
    assert book.subscribers("balanced") == list(book.subscriptions)
    assert book.subscribers("unknown") == []


def test_a_price_is_seen_when_the_assets_are_looked_at() -> None:
    book = filled()
    price_cache = PriceCache()
    price_cache.load(book.assets)
    later = book.now() + timedelta(minutes=1)
    price_cache.note({"SPY": Quote(parse_price("401"), later), "XXX": Quote(parse_price("1"), later)})
    price_cache.note({"SPY": Quote(parse_price("402"), later)})
    assert (price_cache.assets["SPY"].price, price_cache.assets["SPY"].price_at) == (parse_price("402"), later)
    assert "XXX" not in price_cache.assets
    assert price_cache.assets["TLT"] == book.assets["TLT"]
    assert price_cache.newest == later
    assert price_cache.take_unread() == {"SPY": Quote(parse_price("402"), later)}
    assert price_cache.take_unread() == {}
    assets_version = price_cache.assets_version
    price_cache.load(book.assets)
    assert price_cache.assets["SPY"].price == parse_price("402"), "the file's price is older"
    price_cache.assets["SPY"] = replace(price_cache.assets["SPY"], tradable=False)
    assert price_cache.assets_version > assets_version + 1


def test_money_of_any_size_survives() -> None:
    book = filled()
    most = Money(9_000_000_000 * 10**9)
    with book.database.write() as tx:
        accounts.save(tx, [replace(book.accounts["a0"], cash=most)])
    book.reload_accounts(["a0"])
    assert book.accounts["a0"].cash == most
    assert book.accounts["a1"].cash == parse_money("1000")
