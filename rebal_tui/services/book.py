"""A book of accounts while it is open: its file, its broker, its market, and what of it is held in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from rebal_tui.broker.protocol import Broker, LiveBroker, SandboxControls
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Run
from rebal_tui.domain.sessions import Session, new_york_day
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.calendar import QUARTER_ENDS
from rebal_tui.engine.evaluation import PRICE_MAX_AGE
from rebal_tui.market.protocol import Clock, PriceFeed, Quote
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.services.agenda import Agenda
from rebal_tui.services.book_frame import FrameKeeper, Noted
from rebal_tui.services.pacing import Outbox
from rebal_tui.services.price_board import PriceBoard
from rebal_tui.services.trends import Trends
from rebal_tui.store import assets, audit, cash, holds, portfolios, runs
from rebal_tui.store import sessions as session_store
from rebal_tui.store.account_table import Accounts, AccountTable, ExtrasByAccount, Progress
from rebal_tui.store.database import Database
from rebal_tui.store.holds import Hold
from rebal_tui.store.subscription_table import Subscriptions, SubscriptionTable

if TYPE_CHECKING:
    from rebal_tui.services.account_texts import AccountTexts
    from rebal_tui.services.passes import PassUnderWay


ADVISOR = "advisor"
"""Who acts by hand, as the audit trail names them unless it is told better."""


class Mode(StrEnum):
    SIMULATED = "SIMULATED"
    REPLAY = "REPLAY"
    LIVE = "LIVE"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a book is run.

    `slots` gives the evaluation times of a session. `resend_after` is how long the broker must not know a sent order
    before it is sent once more under the same id. `backup_folder` None makes no backups. `price_max_age` None takes any
    price as fresh. `environment` is which world of a real broker this is: `LIVE` where money moves, else `PAPER`.
    `orders_per_minute` None sends as fast as the broker takes orders.
    """

    mode: Mode
    name: str = "book"
    price_max_age: timedelta | None = PRICE_MAX_AGE
    quarterly_months: frozenset[int] = QUARTER_ENDS
    review: bool = False
    resend_after: timedelta = timedelta(0)
    slots: Callable[[Session], list[datetime]] = field(default=lambda session: quarter_hours(session))
    backup_folder: str | None = None
    actor: str = "system"
    orders_per_minute: int | None = None
    environment: str = ""


@dataclass(slots=True)
class Followed:
    """How far a book that another program writes has been read: the file's version and the mark of what is in memory.

    `rest_until` is when, in real seconds, everything may be read again.
    """

    version: int = -1
    mark: str = ""
    rest_until: float = 0.0


def quarter_hours(session: Session) -> list[datetime]:
    """Every 15 minutes from the open to the end of the window (R-10)."""
    step, slot, slots = timedelta(minutes=15), session.open, []
    while slot <= session.window_end:
        slots.append(slot)
        slot += step
    return slots


def window_end_only(session: Session) -> list[datetime]:
    """One evaluation a session, at the end of its window."""
    return [session.window_end]


@dataclass(slots=True)
class KeepingUp:
    """How far a book is level with a broker at the other end of a wire.

    `whole` once everything was read; the moments are when something is due again, None for at once; `trouble` is why
    the broker could not be read, and `try_at` when it is tried again.
    """

    whole: bool = False
    try_at: datetime | None = None
    trouble: str = ""
    account_at: datetime | None = None
    orders_at: datetime | None = None
    daily_at: datetime | None = None
    place: int = 0


class Book:
    """Everything a use case needs. Owned by one thread; what it hands out is frozen.

    Accounts and subscriptions lie in columns; `accounts`, `extras` and `subscriptions` make one when it is asked for.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        clock: Clock,
        settings: Settings,
        *,
        feed: PriceFeed | None = None,
        sandbox: SandboxControls | None = None,
        stopwatch: Callable[[], float] | None = None,
        progress: Progress | None = None,
        live: LiveBroker | None = None,
    ) -> None:
        """`stopwatch` is real elapsed time in seconds, by which jobs are timed; without it they are not. `progress` is
        told how far the first reading of the file has come."""
        self.stopwatch = stopwatch
        self.database = database
        self._by_hand = ADVISOR
        self.broker = broker
        self.sandbox = sandbox
        self.live = live
        self.keeping_up = KeepingUp()
        self.clock = clock
        self.feed = feed
        self.settings = settings
        self.version = 0
        self._ticks = 0
        self.trends = Trends()
        self.followed = Followed()
        self.board = PriceBoard()
        self.account_table = AccountTable()
        self.subscription_table = SubscriptionTable(self.account_table)
        self.accounts = Accounts(self.account_table)
        self.extras = ExtrasByAccount(self.account_table)
        self.subscriptions = Subscriptions(self.account_table, self.subscription_table)
        self.portfolios: dict[str, Portfolio] = {}
        self.open_runs: Noted[str, Run] = Noted({})
        self.outbox = Outbox()
        self.agenda = Agenda()
        self.passing: PassUnderWay | None = None
        self.cash_targets: Noted[tuple[str, int], Money] = Noted({})
        self.system_runs: Noted[str, tuple[str, str]] = Noted({})
        self.pending_out: dict[str, Money] = {}
        self.texts: AccountTexts | None = None
        self.holds: dict[str, Hold] = {}
        self.retold: set[str] = set()
        self.reconciled = False
        self._frames = FrameKeeper(self)
        self.reload(progress)

    def now(self) -> datetime:
        return self.clock.now()

    @property
    def changes(self) -> int:
        """A number that changes with everything but prices; `version` changes with them, too."""
        return self.version - self._ticks

    def close(self) -> None:
        """Let go of the broker and the file."""
        if self.live is not None:
            self.live.close()
        self.database.close()

    def session(self, at: datetime | None = None) -> Session | None:
        """The session of the New York day of a moment, now when none is given."""
        return self.calendar.at(at or self.now())

    @property
    def assets(self) -> dict[str, Asset]:
        """Every asset under its last price, by symbol."""
        return self.board.assets

    def reload(self, progress: Progress | None = None) -> None:
        """Read everything held in memory from the file again; a pass that was under way is not any more."""
        self.passing = None
        self.calendar = TradingCalendar(session_store.load(self.database))
        self.reload_assets()
        self.account_table.load(self.database, progress)
        self.reload_portfolios()
        self.reload_runs()
        self.cash_targets = Noted(runs.cash_targets(self.database))
        self.system_runs = Noted(runs.system_runs(self.database))
        self.reload_journals()
        self.holds = holds.load(self.database)

    def frame(self) -> BookFrame:
        """The whole book in arrays as it is now, rows as in `account_table`."""
        return self._frames.frame()

    def reload_journals(self) -> None:
        self.pending_out = cash.pending_out(self.database)

    def reload_accounts(self, account_ids: Iterable[str] | None = None) -> None:
        """Read accounts again, all of them or the ones named."""
        known = len(self.account_table)
        if account_ids is None:
            self.account_table.load(self.database)
        else:
            self.account_table.reload(self.database, list(account_ids))
        if account_ids is None or len(self.account_table) != known:
            self.subscription_table.load(self.database)
        self.version += 1

    def reload_assets(self) -> None:
        """Read the assets again; a price in memory that is newer stays."""
        self.board.load(assets.load(self.database))
        self.version += 1

    def take_prices(self, changed: Mapping[str, Quote]) -> None:
        """Take over prices that changed."""
        self.trends.note(changed)
        if changed:
            self.board.note(changed)
            self.version += 1
            self._ticks += 1

    def reload_portfolios(self) -> None:
        """Read portfolios and subscriptions again."""
        self.portfolios = portfolios.load(self.database)
        self.subscription_table.load(self.database)
        self.version += 1

    def reload_subscriptions(self, account_ids: Iterable[str]) -> None:
        """Read the subscriptions of some accounts again."""
        self.subscription_table.reload(self.database, list(account_ids))
        self.version += 1

    def reload_runs(self) -> None:
        self.open_runs = Noted({run.account_id: run for run in runs.open_runs(self.database)})
        self.outbox.forget()
        self.agenda.everything()
        self.version += 1

    def reload_run(self, account_id: str) -> None:
        """Read an account's open run anew."""
        run = runs.open_run(self.database, account_id)
        if run is not None:
            self.note_run(run)
        elif self.open_runs.pop(account_id, None) is not None:
            self.version += 1

    def note_run(self, run: Run) -> None:
        """Take over one run's new state."""
        if run.status.final:
            self.open_runs.pop(run.account_id, None)
        else:
            self.open_runs[run.account_id] = run
            self.agenda.add((run.account_id,))
        self.version += 1

    def note_runs(self, some: Sequence[Run], idle: Collection[str] = ()) -> None:
        """Take over the new states of runs. The accounts of `idle` need no look until something happens to them."""
        if any(run.status.final for run in some):
            for run in some:
                self.note_run(run)
        else:
            self.open_runs.update({run.account_id: run for run in some})
            self.agenda.add(run.account_id for run in some if run.account_id not in idle)
        self.version += 1

    def account(self, account_id: str) -> Account:
        """Raises `NotFound`."""
        if account_id not in self.accounts:
            raise NotFound(f"no account {account_id}")
        return self.accounts[account_id]

    def paused(self, account_id: str) -> tuple[str, ...]:
        """Why an account waits for somebody to look at the broker's figures, nothing when it does not."""
        hold = self.holds.get(account_id)
        return (f"paused: {hold.reason}",) if hold else ()

    def subscribers(self, portfolio_id: str) -> list[str]:
        """The accounts that follow a portfolio, the oldest subscription first."""
        ids = self.account_table.ids
        return [ids[row] for row in self.subscription_table.rows_of(portfolio_id).tolist()]

    def portfolio(self, portfolio_id: str) -> Portfolio:
        """Raises `NotFound`."""
        if portfolio_id not in self.portfolios:
            raise NotFound(f"no portfolio {portfolio_id}")
        return self.portfolios[portfolio_id]

    def reserved(self, account_id: str) -> Money:
        """Cash that waits to leave: what was set aside or, when more, what journals out hold back (R-14.5)."""
        extras = self.extras[account_id]
        return Money(max(extras.set_aside, self.pending_out.get(account_id, 0)))

    def cash_floor(self, account_id: str, cash_weight: int) -> Money:
        """The cash target of the account's last completed run under a cash weight; 0 without one (R-14.5)."""
        return self.cash_targets.get((account_id, cash_weight), Money(0))

    def quota_run(self, account_id: str, session: str) -> str | None:
        """The system run that an account had in a session (R-11)."""
        latest = self.system_runs.get(account_id)
        return latest[1] if latest and latest[0] == session else None

    def record(self, action: str, subject: str, detail: object = None, actor: str | None = None) -> None:
        """Append to the audit trail. Must be called inside `database.write()`."""
        who = self._by_hand if actor == ADVISOR else actor or self.settings.actor
        audit.append(self.database, self.now(), who, action, subject, detail)

    @contextmanager
    def acting_as(self, who: str) -> Iterator[None]:
        """What is done by hand inside the block is recorded as done by `who`."""
        before, self._by_hand = self._by_hand, who
        try:
            yield
        finally:
            self._by_hand = before

    def today(self) -> date:
        return new_york_day(self.now())
