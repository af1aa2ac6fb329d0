"""The trading rules of each account, resolved over book, portfolio, account and subscription (R-60 to R-67)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

import numpy as np

from rebal_tui.broker.protocol import LiveBroker
from rebal_tui.domain.portfolios import Destination, MinimumTrade, Portfolio, RebalanceScope
from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.trading_rules import (
    NO_RULES,
    AccountSettings,
    Overrides,
    RestrictionKind,
    RestrictionScope,
    Stagger,
    TradeRestriction,
    TradingRules,
)
from rebal_tui.market.sessions import FIRST_DAY, TradingCalendar, build_sessions
from rebal_tui.services.book.files_settings import buffer_of, fractional_accounts
from rebal_tui.store import trading_rules
from rebal_tui.store.account_table import Accounts, AccountTable
from rebal_tui.store.database import Database
from rebal_tui.store.subscription_table import Subscriptions, SubscriptionTable

_PLAIN_ACCOUNT = AccountSettings()
_LOOKED_BACK = timedelta(days=300)
"""More than the 200 sessions over which a calendar condition may be spread (R-66)."""
_KEEPING = {
    RestrictionKind.NO_SELL,
    RestrictionKind.LOCK,
    RestrictionKind.BUY_ONLY,
    RestrictionKind.UNMANAGED,
    RestrictionKind.HOLD,
}


class RulesView:
    """The stored restrictions, account settings and overrides, indexed by account id and portfolio id."""

    def __init__(
        self, database: Database, list_buffer: Percent | None = None, fractional: frozenset[str] = frozenset()
    ) -> None:
        """`list_buffer` is the percentage of expected sale proceeds that buys do not spend in a files book (R-73).

        It is None in other books. `fractional` are the ids of the accounts that trade fractions of shares in a files
        book; its other accounts trade whole shares.
        """
        self.list_buffer = list_buffer
        self.fractional = fractional
        self.restrictions = trading_rules.restrictions(database)
        self.settings = trading_rules.account_settings(database)
        self.overrides = trading_rules.overrides(database)
        self.minimum_trade = trading_rules.book_minimum(database)
        self.of_book = [r for r in self.restrictions if r.scope is RestrictionScope.BOOK]
        self.by_portfolio = _grouped((r.portfolio_id, r) for r in self.restrictions)
        self.by_account = _grouped((r.account_id, r) for r in self.restrictions)

    @classmethod
    def read(cls, database: Database, *, one_list: bool) -> RulesView:
        """The rules stored in a book. `one_list` is whether it is a files book, which sends one trade list (R-73)."""
        return cls(database, buffer_of(database), fractional_accounts(database)) if one_list else cls(database)

    def concerned(self, portfolios: Mapping[str, Portfolio]) -> frozenset[str] | None:
        """The ids of the portfolios that have trading rules for all their subscribers.

        None when the book itself has rules, as these concern every account.
        """
        if self.of_book or self.list_buffer is not None or self.minimum_trade is not None:
            return None
        return frozenset(self.by_portfolio) | {identity for identity, one in portfolios.items() if _has_settings(one)}

    def accounts(self) -> frozenset[str]:
        """The ids of the accounts with restrictions, settings or overrides of their own."""
        return frozenset(self.by_account) | frozenset(self.settings) | frozenset(self.overrides)

    def restrictions_of(self, account_id: str, portfolio_id: str | None, today: date) -> tuple[TradeRestriction, ...]:
        """The restrictions that apply to an account today: those of the book, of its portfolio and its own."""
        of_portfolio = self.by_portfolio.get(portfolio_id, []) if portfolio_id is not None else []
        every = (*self.of_book, *of_portfolio, *self.by_account.get(account_id, []))
        return tuple(one for one in every if one.holds_on(today))


class RulesSource(Protocol):
    """The parts of a book from which the trading rules of an account are resolved."""

    rules_view: RulesView
    portfolios: dict[str, Portfolio]
    accounts: Accounts
    subscriptions: Subscriptions
    account_table: AccountTable
    subscription_table: SubscriptionTable
    calendar: TradingCalendar
    live: LiveBroker | None

    def today(self) -> date:
        """The New York day."""

    def subscribers(self, portfolio_id: str) -> list[str]:
        """The ids of the accounts subscribed to a portfolio."""


def rules_of(book: RulesSource, account_id: str, today: date | None = None) -> TradingRules:
    """The trading rules of an account on a day (R-60 to R-67): restrictions, destination, minimum trade and others.

    `today` is the book's current day unless given.
    """
    subscription = book.subscriptions.get(account_id)
    if subscription is None:
        return rules_under(book, account_id, None, None, today)
    portfolio, overrides = book.portfolios[subscription.portfolio_id], book.rules_view.overrides.get(account_id)
    return rules_under(book, account_id, portfolio, overrides, today)


def rules_under(
    book: RulesSource,
    account_id: str,
    portfolio: Portfolio | None,
    overrides: Overrides | None,
    today: date | None = None,
) -> TradingRules:
    """The trading rules that would apply to an account today if it followed a portfolio with these overrides.

    `portfolio` is None for an account that follows none; `today` is the book's current day unless given.
    """
    view, day = book.rules_view, today or book.today()
    settings = view.settings.get(account_id, _PLAIN_ACCOUNT)
    minimum, source = _minimum_trade(view, overrides, settings, portfolio)
    found = TradingRules(
        restrictions=view.restrictions_of(account_id, None if portfolio is None else portfolio.id, day),
        destination=Destination.TARGET if portfolio is None else portfolio.rebalance_to,
        scope=RebalanceScope.WHOLE if portfolio is None else portfolio.rebalance_scope,
        minimum_trade=minimum,
        minimum_source=source,
        whole_shares=settings.whole_shares or (view.list_buffer is not None and account_id not in view.fractional),
        proceeds_buffer=view.list_buffer or Percent(0),
        overrides=overrides,
        stagger=None if portfolio is None else stagger_of(book, account_id, portfolio, day),
    )
    if found == NO_RULES:
        return NO_RULES
    return replace(found, live=book.live is not None)


def rules_of_followers(
    book: RulesSource, account_ids: Iterable[str], portfolio: Portfolio, overrides: Mapping[str, Overrides]
) -> list[TradingRules]:
    """The trading rules that each account would have today if it followed a portfolio, in the order of `account_ids`.

    `overrides` are those of the subscriptions, by account id.
    """
    own, today = book.rules_view.accounts(), book.today()
    # Without rules of its own, an account differs from the others in its staggered date only.
    shared = rules_under(book, "", portfolio, None, today) if portfolio.stagger_sessions == 1 else None
    return [
        rules_under(book, one, portfolio, overrides.get(one), today) if shared is None or one in own else shared
        for one in account_ids
    ]


def keeping(book: RulesSource, account_id: str) -> tuple[TradeRestriction, ...]:
    """The restrictions that prevent an account from selling all its positions (R-32, R-60)."""
    held = {position.symbol for position in book.accounts[account_id].positions}
    return tuple(
        one
        for one in rules_of(book, account_id).restrictions
        if one.kind in _KEEPING or (one.kind is RestrictionKind.RANGE and one.minimum)
        if one.symbol is None or one.symbol in held
    )


def followed_portfolio(book: RulesSource, account_id: str) -> Portfolio:
    """The portfolio of a subscribed account, with the subscription's overrides applied (R-67)."""
    portfolio = book.portfolios[book.subscriptions[account_id].portfolio_id]
    overrides = book.rules_view.overrides.get(account_id)
    return portfolio if overrides is None else overrides.applied(portfolio)


class FrameRules:
    """The trading rules of the subscribed accounts by account row, computed again only when they may have changed."""

    def __init__(self, book: RulesSource) -> None:
        self._book = book
        self._stamp: tuple[object, ...] = ()
        self._objects: tuple[object, object, object] = (None, None, None)
        self._follows = np.empty(0, np.int32)
        self._made: Mapping[int, TradingRules] = {}

    def by_row(self) -> Mapping[int, TradingRules]:
        """The trading rules of subscribed accounts by account row: what `frame_rules` returns for the present book."""
        book, follows = self._book, self._book.subscription_table.portfolio
        stamp = (book.today(), len(book.account_table), book.account_table.loads)
        # The objects themselves, not their ids: a reloaded object can get the address of a freed one.
        objects = (book.rules_view, book.portfolios, book.calendar)
        same = stamp == self._stamp and all(a is b for a, b in zip(self._objects, objects, strict=True))
        if not same or not np.array_equal(follows, self._follows):
            self._stamp, self._objects, self._follows = stamp, objects, follows.copy()
            self._made = frame_rules(book)
        return self._made


def frame_rules(book: RulesSource) -> dict[int, TradingRules]:
    """The trading rules of each subscribed account, by its row in `account_table`.

    An account to which no rule of its own, its portfolio or the book applies today is left out. Accounts that only have
    the rules of their portfolio or of the book share one object.
    """
    view, table, today = book.rules_view, book.account_table, book.today()
    concerned = view.concerned(book.portfolios)
    if concerned is None:
        wanted: Iterable[str] = (account_id for account_id in table.ids if account_id in book.subscriptions)
    elif not concerned and not view.accounts():
        return {}
    else:
        subscribers = [
            one for identity in concerned if identity in book.portfolios for one in book.subscribers(identity)
        ]
        wanted = dict.fromkeys([*subscribers, *(one for one in view.accounts() if one in book.subscriptions)])
    own = view.accounts()
    shared: dict[tuple[str, bool], TradingRules] = {}
    found: dict[int, TradingRules] = {}
    for account_id in wanted:
        if account_id not in table.row_of:
            continue
        portfolio = book.portfolios[book.subscriptions[account_id].portfolio_id]
        if account_id in own or portfolio.stagger_sessions > 1:
            rules = rules_of(book, account_id, today)
        else:
            key = portfolio.id, account_id in view.fractional
            rules = shared.get(key) or rules_of(book, account_id, today)
            shared[key] = rules
        if rules is not NO_RULES:
            found[table.row_of[account_id]] = rules
    return found


def stagger_offset(account_id: str, sessions: int) -> int:
    """The number, from 0, of an account's session among `sessions` sessions over which runs are spread (R-66).

    It is computed from a hash of the account id.
    """
    return int.from_bytes(hashlib.sha256(account_id.encode()).digest()[:8], "big") % sessions


def stagger_of(book: RulesSource, account_id: str, portfolio: Portfolio, today: date) -> Stagger | None:
    """The session in which an account has its turn, if its portfolio spreads a calendar condition over sessions (R-66).

    On a day without a session, the account's turn is that of the last session before. None when the portfolio has no
    calendar condition or all its accounts have their turn in one session.
    """
    if portfolio.stagger_sessions == 1 or portfolio.calendar is None:
        return None
    offset = stagger_offset(account_id, portfolio.stagger_sessions)
    days = _sessions_until(book, today, offset)
    if len(days) <= offset:
        return None
    day, next_day = days[offset]
    return Stagger(offset, portfolio.stagger_sessions, day, next_day)


def _sessions_until(book: RulesSource, today: date, back: int) -> list[tuple[date, date]]:
    """The last session on `today` or before, and the `back` sessions before it, newest first.

    Each is given by its day and the day of the next session. Sessions before the first one in the book's calendar are
    computed.
    """
    found: list[tuple[date, date]] = []
    session = book.calendar.on_or_before(today)
    while session is not None and session.next_day is not None and len(found) <= back:
        found.append((session.day, session.next_day))
        session = book.calendar.previous(session.day)
    if found and session is None:
        for day in days_before(book.calendar.known_from)[: back + 1 - len(found)]:
            found.append((day, found[-1][0]))
    return found


@lru_cache(maxsize=4)
def days_before(first: date) -> tuple[date, ...]:
    """The session days among the 300 calendar days before `first`, newest first.

    That is enough to find the calendar sessions of a rebalance date before `first` (R-66).
    """
    if first <= FIRST_DAY:
        return ()
    sessions = build_sessions(max(FIRST_DAY, first - _LOOKED_BACK), first - timedelta(days=1))
    return tuple(one.day for one in reversed(sessions))


def _minimum_trade(
    view: RulesView, overrides: Overrides | None, settings: AccountSettings, portfolio: Portfolio | None
) -> tuple[MinimumTrade | None, str]:
    """The minimum trade of the narrowest scope that sets one, and the name of that scope (R-64).

    From narrow to wide: subscription, account, portfolio, book. None and an empty name if no scope sets one.
    """
    if overrides is not None and overrides.minimum_trade is not None:
        return overrides.minimum_trade, "subscription"
    if settings.minimum_trade is not None:
        return settings.minimum_trade, "account"
    if portfolio is not None and portfolio.minimum_trade is not None:
        return portfolio.minimum_trade, "portfolio"
    return view.minimum_trade, "" if view.minimum_trade is None else "book"


def _has_settings(portfolio: Portfolio) -> bool:
    return (
        portfolio.rebalance_to is not Destination.TARGET
        or portfolio.rebalance_scope is not RebalanceScope.WHOLE
        or portfolio.minimum_trade is not None
        or portfolio.stagger_sessions > 1
    )


def _grouped(
    pairs: Iterable[tuple[str | None, TradeRestriction]],
) -> dict[str, list[TradeRestriction]]:
    found: dict[str, list[TradeRestriction]] = {}
    for identity, one in pairs:
        if identity is not None:
            found.setdefault(identity, []).append(one)
    return found
