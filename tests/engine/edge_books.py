"""Random books and circumstances at the edges of the rules: ties, dust, inactive assets, drifts equal to a band."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from fractions import Fraction

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.portfolios import Condition, PortfolioStatus, Unfinished
from rebal_tui.domain.quantities import Money, Percent, Qty, percent_text
from rebal_tui.engine.situation import Situation
from tests.engine.oracle import CENT, NANO, Book, Circumstances, down
from tests.engine.support import at, band, calendar, holdings_of, nanos, random_book, session_on, situation, weights_of

TODAYS = (
    (date(2026, 3, 4), date(2026, 3, 5)),
    (date(2026, 4, 2), date(2026, 4, 6)),
    (date(2026, 6, 30), date(2026, 7, 1)),
    (date(2027, 2, 26), date(2027, 3, 1)),
    (date(2028, 2, 29), date(2028, 3, 1)),
    (date(2026, 12, 31), date(2027, 1, 4)),
)
CALENDARS = (
    *(None, None, ("weekly", "Friday"), ("weekly", "Thursday"), ("monthly", "31"), ("monthly", "4")),
    *(("monthly", "28"), ("quarterly", "4"), ("quarterly", "30"), ("annually", "02-29"), ("annually", "01-02")),
)


def edge_book(rng: random.Random) -> Book:
    """A random book, often with equal assets, missing prices, unfractionable assets or a strained account."""
    book = random_book(rng, sizes=(1, 2, 2, 3, 3, 4, 5, 8, 11, 11) if rng.random() < 0.95 else (25, 40))
    own = sorted(book.weights)
    if rng.random() < 0.12:
        book = _of_equals(book, own)
    if rng.random() < 0.12:
        lost = {symbol for symbol in book.needed if rng.random() < 0.2}
        book = replace(book, prices={s: p for s, p in book.prices.items() if s not in lost})
    if rng.random() < 0.2:
        book = replace(book, unfractionable=frozenset(s for s in book.needed if rng.random() < 0.25))
    if rng.random() < 0.06:
        book = _strained(book, rng)
    return book


def _of_equals(book: Book, own: list[str]) -> Book:
    """Every asset has the price and position of the first: buys tie; only the weight or the symbol decides."""
    price, held = book.prices[own[0]], book.positions.get(own[0])
    positions = {s: q for s, q in book.positions.items() if s not in book.weights}
    if held is not None:
        positions |= dict.fromkeys(own, held)
    return replace(book, prices=book.prices | dict.fromkeys(own, price), positions=positions)


def _strained(book: Book, rng: random.Random) -> Book:
    """Positions of six times the equity, exactly or a billionth off; or cash for exactly $1 per asset."""
    invested = book.invested
    if rng.random() < 0.5 and invested > 0:
        debt = down(-invested * Fraction(5, 6), NANO)
        return replace(book, cash=debt + rng.choice([-1, 0, 1, 2]) * NANO, reserved=Fraction(0))
    exact = down(len(book.weights) - invested, NANO)
    return replace(book, cash=exact + rng.choice([-1, 0, 1]) * NANO, reserved=Fraction(0))


def edge_circumstances(rng: random.Random, book: Book) -> Circumstances:
    """Random circumstances of an evaluation; bands and floors are derived from the book itself."""
    today, following = rng.choice(TODAYS)
    close = rng.choice([16 * 60, 16 * 60, 13 * 60])
    minutes = [570, 570 + 1, 12 * 60, 12 * 60, 12 * 60, close - 30]
    if rng.random() < 0.08:
        minutes = [0, 569, close - 29, close - 1, close]
    days = [0, 6, 7, 8, 99]
    rarely = [rng.random() < 0.03 for _ in range(6)]
    return Circumstances(
        bands=_bands(rng, book),
        calendar=rng.choice(CALENDARS),
        last_rebalanced=rng.choice([None, *(today - timedelta(days=d) for d in days)]),
        cooldown_days=rng.choice([0, 7, 7, 7, 365]),
        today=today,
        next_session=following,
        cash_floor=_floor(rng, book),
        minute=rng.choice(minutes),
        close=close,
        portfolio_active=not rarely[0],
        account_active=not rarely[1],
        restricted=rarely[2],
        open_run=rarely[3],
        external_orders=3 if rarely[4] else 0,
        quota_used=rarely[5],
        undone=frozenset(s for s in book.positions if rng.random() < 0.4) if rng.random() < 0.15 else frozenset(),
        traded=rng.choice([None, *(today - timedelta(days=d) for d in days)]),
        stale=frozenset(s for s in book.needed if rng.random() < 0.2) if rng.random() < 0.04 else frozenset(),
    )


def _bands(rng: random.Random, book: Book) -> list[tuple[str, Fraction]]:
    """Random bands; half of the time one that an asset's drift meets exactly, or misses by the smallest step."""
    bands = [(rng.choice(["absolute", "relative"]), Fraction(rng.choice([1, 10, 500, 2000, 5000]), 100))] * rng.choice(
        [0, 1, 1]
    )
    symbols = sorted(book.needed & set(book.prices))
    if rng.random() < 0.5 and book.equity > 0 and symbols:
        symbol = rng.choice(symbols)
        target = book.weights.get(symbol, Fraction(0)) * 100
        drift = abs(book.value(symbol) / book.equity * 100 - target)
        kind = rng.choice(["absolute", "relative"]) if target else "absolute"
        met = down(drift if kind == "absolute" else drift / target * 100, CENT) + rng.choice([0, 0, 1]) * CENT
        if 0 < met < 10**6:
            bands.append((kind, met))
    return bands


def _floor(rng: random.Random, book: Book) -> Fraction:
    """The cash target of an earlier run; often one that leaves exactly ten dollars of excess, or slightly less."""
    edge = book.free - 10 + rng.choice([0, 0, 1, -1]) * NANO
    return rng.choice([Fraction(0), Fraction(0), Fraction(5), max(book.cash, Fraction(0)), max(edge, Fraction(0))])


def situation_of(book: Book, given: Circumstances) -> Situation:
    """Convert a book and its circumstances to the engine's situation."""
    time_of_day = time(given.minute // 60, given.minute % 60)
    conditions: list[Condition] = [band(kind, percent_text(Percent(int(p * 100)))) for kind, p in given.bands]
    if given.calendar:
        conditions.append(calendar(*given.calendar))
    plain = situation(
        target=weights_of(book),
        conditions=conditions,
        cooldown_days=given.cooldown_days,
        rebalanced=at(given.last_rebalanced) if given.last_rebalanced else None,
        day=given.today,
        time_of_day=time_of_day,
        restrictions=[Restriction.ACH_RETURN] if given.restricted else (),
        account_status=AccountStatus.ACTIVE if given.account_active else AccountStatus.DISABLED,
        portfolio_status=PortfolioStatus.ACTIVE if given.portfolio_active else PortfolioStatus.INACTIVE,
    )
    state = holdings_of(book)
    age = {s: timedelta(seconds=61 if s in given.stale else 60) for s in state.assets}
    return replace(
        plain,
        session=session_on(given.today, given.next_session, time(given.close // 60)),
        account=_with_cash(plain.account, Money(nanos(book.cash)), book.positions),
        assets={s: replace(a, price_at=plain.now - age[s]) for s, a in state.assets.items()},
        reserved=Money(nanos(book.reserved)),
        cash_floor=Money(nanos(given.cash_floor)),
        open_run="run" if given.open_run else None,
        external_orders=given.external_orders,
        quota_run="run" if given.quota_used else None,
        unfinished=Unfinished(tuple(sorted(given.undone)), at(given.traded) if given.traded else None)
        if given.undone
        else None,
    )


def _with_cash(account: Account, cash: Money, positions: Mapping[str, Fraction]) -> Account:
    held = tuple(Position(symbol, Qty(nanos(qty))) for symbol, qty in positions.items())
    return replace(account, cash=cash, positions=held)
