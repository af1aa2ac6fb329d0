"""Invariants after every event, checked against the broker's records and an independent version of the rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.cash import Journal, WithdrawalStage
from rebal_tui.domain.orders import Order, OrderRequest, Side
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, Subscription
from rebal_tui.domain.quantities import CENT, NANO
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunStatus, RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import CURSOR
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.queries.exceptions import Exceptions
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.store import audit, book_settings, cash, run_orders, runs
from rebal_tui.store.database import Database
from tests.engine import oracle
from tests.reliability.ledger import Ledger
from tests.reliability.market import Prices
from tests.reliability.rebalance_oracle import RebalanceOracle
from tests.reliability.reservations import ReservationOracle, reserved_for_others
from tests.reliability.trail import audit_counts_of

if TYPE_CHECKING:
    from tests.reliability.broker import FaultyBroker

OWN_ORDER_ID = re.compile(r"rt-([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})-[0-9]+")
CLOSE_MARGIN = timedelta(minutes=30)
PRICE_MAX_AGE = timedelta(seconds=60)


class Violation(AssertionError):
    """A violated invariant; `check` names it."""

    def __init__(self, check: str, text: str) -> None:
        super().__init__(f"{check}: {text}")
        self.check = check


class Oracle:
    """Watches one simulated book from outside."""

    def __init__(self, book: Callable[[], Book], broker: Callable[[], FaultyBroker], feed: Prices) -> None:
        self._book, self._broker, self._feed = book, broker, feed
        self.ledger = Ledger(self._open_of)
        self.ledger.prices = self.known_prices
        self.reservations = ReservationOracle()
        self.counts: Counter[str] = Counter()
        self.trace: list[str] | None = None
        self._hash = sha256()
        self._legs: dict[tuple[str, str, Side], str] = {}
        self._bought: Counter[str] = Counter()
        self._allowed: dict[str, int] = {}
        self._start_outflow: dict[str, int] = {}
        self._known_outflow: Counter[str] = Counter()
        self._runs: dict[str, Run] = {}
        self._journals: dict[str, str] = {}
        self._outgoing_journals: dict[str, set[str]] = {}
        self._targets: dict[tuple[str, int], int] = {}
        self.approved: set[str] = set()
        self.canceled: set[str] = set()
        self.moved: set[str] = set()
        self.rebalances = RebalanceOracle()
        self.ledger.on_rename = self.rebalances.rename
        self._followed: dict[str, str] = {}
        self._evaluations = 0
        self._seen_to_begin = False
        self._unseen_evaluation = False

    @property
    def database(self) -> Database:
        """The book's file."""
        return self._book().database

    @property
    def reconciled(self) -> bool:
        """Whether the book has been reconciled with the broker since it was opened."""
        return self._book().reconciled

    def _open_of(self, at: datetime) -> datetime | None:
        session = self._book().calendar.session(at.astimezone(NEW_YORK).date())
        return None if session is None else session.open

    def behind(self, account_id: str) -> bool:
        """Whether the broker has an event of an account that the program has not received yet."""
        seen = int(book_settings.get(self._book().database, CURSOR, "0"))
        return max(self.ledger.last_event[account_id], self.ledger.last_event[""]) > seen or (
            self._broker().withholds(account_id)
        )

    def log(self, text: str) -> None:
        """Add to the trace, whose hash shows whether two simulations are identical."""
        self._hash.update(text.encode())
        if self.trace is not None:
            self.trace.append(text)

    @property
    def hash(self) -> str:
        return self._hash.hexdigest()

    # Requests of the program to the broker.

    def submitted(self, request: OrderRequest) -> None:
        """Check an order that the program is about to send."""
        book, now, account = self._book(), self._book().now(), request.account_id
        self.log(f"{now} asks {request}")
        session = book.calendar.at(now)
        if session is None or not session.open <= now < session.close:
            raise Violation("session", f"{request} is sent outside of a session")
        known = book.accounts[account]
        if known.restrictions or known.status is not AccountStatus.ACTIVE:
            raise Violation("restricted account", f"{request} is sent although the restriction is known")
        asset = book.assets[request.symbol]
        accepted = asset.eligible if request.side is Side.BUY else asset.status is AssetStatus.ACTIVE
        if not accepted:
            raise Violation("ineligible asset", f"{request} is sent although the asset is known not to accept it")
        if request.side is Side.BUY and ((request.notional or 0) < NANO or (request.notional or 0) % CENT):
            raise Violation("order size", f"a buy of {request.notional} billionths of a dollar")
        match = OWN_ORDER_ID.fullmatch(request.client_order_id)
        if match is None:
            raise Violation("order id", f"{request.client_order_id} names no run")
        run = runs.get(book.database, "-".join(match.groups()))
        if run.id in self.canceled and (run.id, self.ledger.origin(request.symbol), request.side) not in self._legs:
            raise Violation("canceled run", f"{request} is sent after its run was canceled")
        if run.id not in self._start_outflow:
            self._first_order(run)
        if request.side is Side.BUY:
            if run.id not in self._allowed:
                self._allow(run)
            if (request.notional or 0) > max(0, self._allowed[run.id]):
                raise Violation("cash floor", f"{request}: {self._allowed[run.id]} allowed")

    def _first_order(self, run: Run) -> None:
        """Before the first order of a run: its cash target must follow from its weights and the account."""
        book = self._book()
        self._start_outflow[run.id] = self._known_outflow[run.account_id]
        portfolio = book.portfolios.get(run.portfolio_id or "")
        if (
            portfolio is not None and portfolio.review and run.initiated_from is InitiatedFrom.SYSTEM
            and run.id not in self.approved
        ):  # fmt: skip
            raise Violation("review", f"run {run.id} trades without approval")
        self.ledger.catch_up(self._broker().inner)
        now = book.now()
        # Cash that arrived at this time may have arrived after the run was planned.
        if run.started_at != now or self.behind(run.account_id) or self.ledger.last_cash.get(run.account_id) == now:
            return
        quotes, needed = self._quotes(), self.needed(run)
        if missing := needed - quotes.keys():
            if run.weights.assets or missing & set(run.weights.symbols):
                raise Violation("missing price", f"run {run.id} was sized without a price of {sorted(missing)}")
            return
        stale = [s for s in needed if book.now() - quotes[s].at > PRICE_MAX_AGE]
        if stale:
            raise Violation("stale price", f"run {run.id} was sized on stale prices of {stale}")
        if run.type is not RunType.PARTIAL_LIQUIDATION:
            reserved = self._reserved(run.account_id) * NANO
            least = (self.ledger.equity(run.account_id, self.known_prices()) - reserved) * run.weights.cash
            if (run.cash_target or 0) * NANO * 10_000 < least:
                raise Violation("cash target", f"run {run.id} has a cash target of {run.cash_target}, below its weight")
        if run.type is RunType.INVEST_CASH:
            previous_target = self._targets.get((run.account_id, run.weights.cash), 0)
            if (run.cash_target or 0) < previous_target:
                raise Violation(
                    "cash target", f"run {run.id} keeps {run.cash_target}, the one before it kept {previous_target}"
                )

    def needed(self, run: Run) -> set[str]:
        return {*run.weights.symbols, *self.ledger.shares[run.account_id]}

    def _allow(self, run: Run) -> None:
        """The maximum buys of a run: the cash, less its cash floor and reservations."""
        self.ledger.catch_up(self._broker().inner)
        if any(run.id.replace("-", "") in name for name in self.ledger.open_orders):
            raise Violation("sells first", f"run {run.id} buys while an order of it is open")
        account = run.account_id
        gone = self.ledger.outflow[account] - self._start_outflow[run.id]
        set_aside_cash = self._book().extras[account].reserve
        self._allowed[run.id] = self.ledger.cash[account] + gone - (run.cash_target or 0) - set_aside_cash

    def accepted(self, request: OrderRequest, order: Order) -> None:
        """Check an order of the program that the broker accepted."""
        self.counts["orders"] += 1
        match = OWN_ORDER_ID.fullmatch(request.client_order_id)
        run_id = "-".join(match.groups()) if match else ""
        leg = (run_id, self.ledger.origin(request.symbol), request.side)
        if leg in self._legs:
            raise Violation("doubled order", f"{request} after {self._legs[leg]}")
        self._legs[leg] = request.client_order_id
        if request.side is Side.BUY:
            self._bought[run_id] += request.notional or 0
            if self._bought[run_id] > max(0, self._allowed.get(run_id, 0)):
                raise Violation(
                    "cash floor", f"{request}: {self._bought[run_id]} bought, {self._allowed.get(run_id)} allowed"
                )

    def journaled(self, journal: Journal, key: str) -> None:
        """Check a journal that the broker created, now or for an earlier request."""
        if self._journals.setdefault(key, journal.id) != journal.id:
            raise Violation("doubled journal", f"{key} made another journal")
        if journal.to_account == FIRM_ACCOUNT and not journal.status.final:
            self._outgoing_journals.setdefault(journal.from_account, set()).add(journal.id)
        if journal.to_account != FIRM_ACCOUNT or journal.created_at != self._book().now():
            return
        self.ledger.catch_up(self._broker().inner)
        account, day = journal.from_account, journal.created_at.astimezone(NEW_YORK).date()
        waiting = 0 if journal.status.final else journal.amount
        settled = self.ledger.cash[account] - self.ledger.sold_on(account, day)
        if settled + journal.amount - waiting < journal.amount:
            raise Violation("settlement", f"{journal} leaves before the proceeds have settled")
        others = reserved_for_others(self._book().database, account, key[3:39] if key.startswith("wd-") else None)
        if others and settled + journal.amount - waiting - others < journal.amount:
            raise Violation("reservations", f"{journal} uses cash that others have reserved: {others} of {settled}")
        if key.startswith("wd-"):
            wanted = cash.withdrawal(self._book().database, key[3:39]).amount
            if journal.amount != wanted:
                raise Violation("withdrawal", f"{journal.amount} leaves instead of {wanted}")

    # Invariants after an event.

    def after(self, *, by_hand: bool = False) -> None:
        """Check the book after the program's heartbeat, or after a person's action."""
        events = self.ledger.catch_up(self._broker().inner)
        self.counts["events"] += 1
        if self.ledger.faults:
            raise Violation("conservation", self.ledger.faults[0])
        # The broker's events report every change here, however faulty the connection is.
        for account_id, hold in self._book().holds.items():
            raise Violation("false alarm", f"{account_id} is paused: {hold.reason}")
        for event in events:
            self.log(f"{event.seq} {event.kind} {event.account_id} {event.fill and event.fill.amount}")
        touched = {event.account_id for event in events if event.account_id}
        for account_id in sorted(touched) if self.counts["events"] % 16 else self.ledger.cash:
            self._check_account(account_id)
        for account_id, outflow in self.ledger.outflow.items():
            if not self.behind(account_id):
                self._known_outflow[account_id] = outflow
        self._new_runs()
        self._note_evaluations()
        moved = self._open_runs()
        if by_hand or moved or self.counts["events"] % 8 == 0:
            self._subscriptions()
            self._withdrawals()
            self._reservations()

    def _check_account(self, account_id: str) -> None:
        """Cash and shares agree between the oracle's ledger, the broker and, once it has all events, the program."""
        mine = (self.ledger.cash[account_id], self.ledger.shares[account_id])
        theirs = self._broker().inner.account(account_id)
        if mine != (theirs.cash, {p.symbol: p.qty for p in theirs.positions}):
            raise Violation("conservation", f"{account_id}: the broker has {theirs}, its entries give {mine}")
        if self.behind(account_id):
            return
        ours = self._book().accounts[account_id]
        if ours != theirs:
            raise Violation("conservation", f"{account_id}: the program has {ours}, the broker {theirs}")

    def _new_runs(self) -> None:
        book = self._book()
        count = runs.count(book.database)
        for run in reversed(runs.newest(book.database, count - len(self._runs))):
            self.counts["runs"] += 1
            self._runs[run.id] = replace(run, status=RunStatus.QUEUED)
            self.log(f"{book.now()} run {run.type} of {run.account_id} by {run.initiated_from}")

    def _open_runs(self) -> bool:
        """At most one open run per account; returns whether any run changed."""
        book, now, moved = self._book(), self._book().now(), False
        open_of: dict[str, str] = {}
        quota: Counter[tuple[str, str]] = Counter()
        for known in [run for run in self._runs.values() if not run.status.final]:
            run = runs.get(book.database, known.id)
            if run.status is not known.status:
                self._moved(known, run)
                moved = True
            self._runs[run.id] = run
            if not run.status.final:
                if run.account_id in open_of:
                    raise Violation("one open run", f"{run.id} and {open_of[run.account_id]} of {run.account_id}")
                open_of[run.account_id] = run.id
                portfolio = book.portfolios.get(run.portfolio_id or "")
                waits = run.status is RunStatus.QUEUED and run.initiated_from is InitiatedFrom.SYSTEM
                if waits and portfolio is not None and portfolio.status is PortfolioStatus.NEEDS_ADJUSTMENT:
                    raise Violation("needs adjustment", f"run {run.id} still waits for {portfolio.name}")
        if set(book.open_runs) != set(open_of):
            raise Violation("one open run", f"open are {open_of}, held in memory {sorted(book.open_runs)}")
        today = now.astimezone(NEW_YORK).date().isoformat()
        for run in list(self._runs.values())[-40:]:
            if run.initiated_from is InitiatedFrom.SYSTEM and run.session == today and self._uses_quota(run):
                quota[run.account_id, run.session] += 1
                if quota[run.account_id, run.session] > 1:
                    raise Violation("quota", f"{run.account_id} has two system runs on {run.session}")
        return moved

    def _uses_quota(self, run: Run) -> bool:
        """Whether a system run is open, placed an order, or was canceled by a person; a corporate action frees it."""
        if (run.reason or "").startswith("cut short: "):
            return False
        if not run.status.final or run.cancel_requested or (run.reason or "").startswith(("canceled", "rejected")):
            return True
        return any(sent for _, _, sent in run_orders.of_run(self._book().database, run.id))

    def _subscriptions(self) -> None:
        """A subscription that a withdrawal ends and continues keeps its last rebalance and its undone sells."""
        for account_id, subscription in self._book().subscriptions.items():
            before = self._followed.get(account_id)
            if before != subscription.id:
                if before is not None and account_id not in self.moved:
                    self.rebalances.continued(before, subscription.id)
                self.moved.discard(account_id)
                self._followed[account_id] = subscription.id
            last = subscription.last_rebalanced_at
            mine = self.rebalances.last.get(subscription.id)
            day = last and last.astimezone(NEW_YORK).date()
            if day != mine and subscription.id in self.rebalances.undone and self._unseen_evaluation:
                # An evaluation right after a reconciliation, in one heartbeat, was not seen to begin.
                self._begin_evaluation(account_id, subscription.id, self._book().today())
                mine = self.rebalances.last.get(subscription.id)
            if day == mine:
                self.rebalances.before.pop(subscription.id, None)
            elif account_id not in self._book().unfinished or day != self.rebalances.before.get(subscription.id):
                raise Violation("last rebalanced", f"{account_id}: the program has {last}, expected {mine}")
        self._unseen_evaluation = False

    def _withdrawals(self) -> None:
        """While a withdrawal raises and transfers cash, its account follows no portfolio."""
        book = self._book()
        for withdrawal in cash.withdrawals(book.database, only_open=True):
            if withdrawal.stage is not WithdrawalStage.REQUESTED and withdrawal.account_id in book.subscriptions:
                raise Violation("withdrawal", f"{withdrawal.account_id} is subscribed while {withdrawal.stage}")

    def _reservations(self) -> None:
        fault = self.reservations.check(
            self._book().database, self._runs.values(), self.ledger.outflow, self.ledger.cash, self.behind
        )
        if fault is not None:
            raise Violation("reservations", fault)

    def _moved(self, before: Run, run: Run) -> None:
        """A run has changed its state since the last check."""
        now = self._book().now()
        self.log(f"{now} {run.type} of {run.account_id}: {run.status} {run.reason}")
        self.counts[run.status.value] += 1
        if before.status is RunStatus.QUEUED and run.started_at is not None:
            session = self._book().calendar.at(run.started_at)
            if session is None or not session.open <= run.started_at <= session.close - CLOSE_MARGIN:
                raise Violation("window", f"run {run.id} started at {run.started_at}")
        if not run.status.final:
            return
        prefix = run.id.replace("-", "")
        if any(prefix in name for name in self.ledger.open_orders):
            raise Violation("open orders", f"run {run.id} is {run.status} and has open orders")
        if run.status.completed:
            self._targets[run.account_id, run.weights.cash] = run.cash_target or 0
        database = self._book().database
        orders = [order for _, order, _ in run_orders.of_run(database, run.id)]
        self.rebalances.ended(run, orders, run_orders.skipped_orders(database, run.id), now.astimezone(NEW_YORK).date())
        if run.status is RunStatus.COMPLETED_SUCCESS:
            for _, order, _ in run_orders.of_run(self._book().database, run.id):
                if order.qty is not None and self.ledger.filled[order.client_order_id] != order.qty:
                    raise Violation("outcome", f"run {run.id} succeeded, {order} was not filled")

    # Decisions, compared with the independent rules.

    def _quotes(self) -> dict[str, Quote]:
        """The last quote of every asset that ever had one; the book keeps that of a withheld price."""
        return {**self._feed.withheld, **self._feed.quotes()}

    def known_prices(self) -> dict[str, int]:
        return {symbol: quote.price for symbol, quote in self._quotes().items()}

    def expected(self) -> dict[str, str]:
        """The expected outcome of an evaluation now, for every subscriber whose account the program knows fully."""
        book = self._book()
        session = book.calendar.at(book.now())
        self.ledger.catch_up(self._broker().inner)
        self._subscriptions()
        if (
            session is None
            or session.next_day is None
            or not session.open <= book.now() <= session.close - CLOSE_MARGIN
        ):
            return {}
        for account_id, subscription in book.subscriptions.items():
            self._begin_evaluation(account_id, subscription.id, session.day)
        self._seen_to_begin = True
        self._check_exceptions()
        return {
            account_id: self._expected(account_id, book.portfolios[subscription.portfolio_id], session.day,
                                       session.next_day)
            for account_id, subscription in book.subscriptions.items()
            if not self.behind(account_id) and subscription.id not in self.rebalances.before
        }  # fmt: skip

    def _note_evaluations(self) -> None:
        """Whether an evaluation has ended that was not seen to begin, since subscriptions were last checked."""
        ((count,),) = self.database.rows("SELECT count(*) FROM evaluations")
        self._unseen_evaluation |= count > self._evaluations and not self._seen_to_begin
        self._evaluations, self._seen_to_begin = count, False

    def _begin_evaluation(self, account_id: str, subscription_id: str, today: date) -> None:
        days = [date.fromisoformat(day) for (day,) in self.database.rows("SELECT DISTINCT session FROM evaluations")]
        self.rebalances.evaluated(subscription_id, today, days, partial(self._left_to_sell, account_id))

    def _left_to_sell(self, account_id: str, symbols: set[str]) -> bool:
        """Whether any of some holdings is above its target; True while a run of the account is open."""
        if any(run.account_id == account_id and not run.status.final for run in self._runs.values()):
            return True
        portfolio = self._book().portfolios[self._book().subscriptions[account_id].portfolio_id]
        made = self._as_book(account_id, portfolio)
        return any(s in made.positions and oracle.gap(made, s) >= 2 * oracle.CENT for s in symbols)

    def _check_exceptions(self) -> None:
        """R-58: what is listed is every account whose cash is below zero, and every holding without a price."""
        book, priced = self._book(), self._quotes().keys()
        known = [account_id for account_id in self.ledger.cash if not self.behind(account_id)]
        listed = Exceptions(book)
        for kind, mine in (
            (ExceptionKind.CASH_BELOW_ZERO, {(a, None) for a in known if self.ledger.cash[a] < 0}),
            (
                ExceptionKind.HOLDING_WITHOUT_PRICE,
                {(a, s) for a in known for s in self.ledger.shares[a] if s not in priced},
            ),
        ):
            items = listed.page(1_000, kind=kind).items
            theirs = {(str(one.account_id), one.symbol) for one in items if one.account_id in known}
            self.counts[f"exception {kind}"] += len(theirs)
            if theirs != mine:
                raise Violation("exceptions", f"{kind}: {sorted(theirs)} are listed, expected {sorted(mine)}")

    def _as_book(self, account_id: str, portfolio: Portfolio) -> oracle.Book:
        """An account with its prices, as the independent rules take it."""
        assets = self._broker().inner.assets()
        return oracle.Book(
            Fraction(self.ledger.cash[account_id], NANO), Fraction(self._reserved(account_id), NANO),
            {s: Fraction(q, NANO) for s, q in self.ledger.shares[account_id].items()},
            {s: Fraction(p, NANO) for s, p in self.known_prices().items()},
            {w.symbol: Fraction(w.percent, 10_000) for w in portfolio.weights.assets},
            Fraction(portfolio.weights.cash, 10_000),
            inactive=frozenset(a.symbol for a in assets if a.status is not AssetStatus.ACTIVE),
            closing_only=frozenset(a.symbol for a in assets if not a.tradable),
            unfractionable=frozenset(a.symbol for a in assets if not a.fractionable),
        )  # fmt: skip

    def _expected(self, account_id: str, portfolio: Portfolio, today: date, following: date) -> str:
        book, inner = self._book(), self._broker().inner
        account = inner.account(account_id)
        external_orders = [
            o for o in inner.open_orders(account_id) if OWN_ORDER_ID.fullmatch(o.client_order_id) is None
        ]
        needed = {*portfolio.weights.symbols, *self.ledger.shares[account_id]}
        had = any(
            run.account_id == account_id and run.session == today.isoformat() and (
                run.initiated_from is InitiatedFrom.SYSTEM
            ) and self._uses_quota(run)
            for run in list(self._runs.values())[-60:]
        )  # fmt: skip
        opened = any(run.account_id == account_id and not run.status.final for run in self._runs.values())
        # A price that stopped just before a restart is as old as the book's copy of it.
        quoted = {symbol: quote.at for symbol, quote in self._quotes().items()}
        if not needed <= quoted.keys():
            return "none"
        ages = [book.now() - min(quoted[s], book.assets[s].price_at or quoted[s]) for s in needed]
        stale = any(age > PRICE_MAX_AGE for age in ages)
        dead = {asset.symbol for asset in inner.assets() if not asset.eligible}
        if (
            portfolio.status is not PortfolioStatus.ACTIVE or account.restrictions
            or account.status is not AccountStatus.ACTIVE or external_orders or had or opened or stale
            or dead & set(portfolio.weights.symbols) or self._overstretched(account_id)
        ):  # fmt: skip
            return "none"
        subscription = book.subscriptions[account_id]
        undone = self.rebalances.undone.get(subscription.id)
        return oracle.outcome(
            self._as_book(account_id, portfolio),
            bands=[(band.sub_type.value, Fraction(band.percent, 100)) for band in portfolio.bands],
            calendar=self._calendar(subscription, portfolio, today),
            last_rebalanced=self.rebalances.last.get(subscription.id),
            cooldown_days=portfolio.cooldown_days,
            today=today,
            next_session=following,
            cash_floor=Fraction(self._targets.get((account_id, portfolio.weights.cash), 0), NANO),
            undone=frozenset(undone.symbols) if undone else frozenset(),
            traded=undone.traded if undone else None,
        )  # fmt: skip

    def _calendar(self, subscription: Subscription, portfolio: Portfolio, today: date) -> tuple[str, str] | None:
        """The calendar condition; one that fires today where a run of the session before is proposed again (R-27)."""
        condition, before = portfolio.calendar, self._book().calendar.previous(today)
        if condition is None or before is None:
            return None
        given = condition.sub_type.value, condition.day
        last = self.rebalances.last.get(subscription.id)
        due = oracle.calendar_fires(*given, before.day, today) and last is not None
        if due and last is not None and before.day >= last + timedelta(days=portfolio.cooldown_days):
            for run in self._runs.values():
                of_day = run.subscription_id == subscription.id and run.session == before.day.isoformat()
                unapproved = run.status is RunStatus.CANCELED and run.approval is Approval.AWAITING
                if of_day and unapproved and run.canceled_at and run.canceled_at > before.window_end:
                    return "weekly", f"{today:%A}"
        return given

    def _overstretched(self, account_id: str) -> bool:
        """R-40: holdings worth more than six times the equity, or holdings without equity."""
        equity = self.ledger.equity(account_id, self.known_prices())
        invested = equity - self.ledger.cash[account_id] * NANO
        return invested > 0 and (equity <= 0 or invested > 6 * equity)

    def _reserved(self, account_id: str) -> int:
        """Cash that must not be invested: what is reserved, with the journals to the firm that are under way."""
        inner, pending = self._broker().inner, 0
        for identity in sorted(self._outgoing_journals.get(account_id, ())):
            journal = inner.journal(identity)
            if journal.status.final:
                self._outgoing_journals[account_id].discard(identity)
            else:
                pending += journal.amount
        ((others,),) = self._book().database.rows(
            "SELECT coalesce(sum(amount), 0) FROM reservations WHERE owner_kind <> 'journal' "
            "AND account = (SELECT key FROM accounts WHERE id = ?)", (account_id,),
        )  # fmt: skip
        return int(others) + pending

    def decided(self, expected: dict[str, str], known: set[str]) -> None:
        """After an evaluation, compare its system runs with the expected outcomes."""
        made = {
            run.account_id: run.type.value
            for run in self._runs.values()
            if run.id not in known and run.initiated_from is InitiatedFrom.SYSTEM
        }
        for account_id, wanted in expected.items():
            self.counts["decisions"] += 1
            if made.get(account_id, "none") != wanted:
                raise Violation("decision", f"{account_id}: {made.get(account_id, 'none')} instead of {wanted}")

    def known_runs(self) -> set[str]:
        return set(self._runs)

    # The final state.

    def check_final_state(self) -> None:
        """At the end nothing is open, and the file passes every check."""
        book = self._book()
        for account_id in self.ledger.cash:
            self._check_account(account_id)
        # A withdrawal whose sells the close ended waits with a new run for the next session.
        waiting = {withdrawal.run_id for withdrawal in cash.withdrawals(book.database, only_open=True)}
        left = [
            run.id
            for run in self._runs.values()
            if not run.status.final and (run.id not in waiting or run.status is not RunStatus.QUEUED)
        ]
        if left:
            raise Violation("liveness", f"{left} have not ended a day after the faults stopped")
        checked = check_book(book.database, self._broker().inner)
        if checked.faults or checked.behind:
            raise Violation("check", f"{checked.faults[:3]}, {checked.behind} behind")
        audit_counts = audit_counts_of(audit.entries(book.database, -1))
        ours = sum(name.startswith("rt-") for name in self.ledger.filled)
        if audit_counts["orders.filled"] != len(self.ledger.executions):
            raise Violation(
                "audit", f"{len(self.ledger.executions)} executions, {audit_counts['orders.filled']} in the trail"
            )
        if audit_counts["runs.queued"] != len(self._runs):
            raise Violation("audit", f"{len(self._runs)} runs, {audit_counts['runs.queued']} in the trail")
        self.log(f"{ours} orders filled; cash {sorted(self.ledger.cash.items())}")
