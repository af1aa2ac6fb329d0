"""The open book: its file, broker, market data and in-memory state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial

from rebal_tui.broker.protocol import Broker, LiveBroker, SandboxControls
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.portfolios import Portfolio, Unfinished
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Run
from rebal_tui.domain.sessions import Session, new_york_day
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.market.protocol import Clock, PriceFeed, Quote
from rebal_tui.services.book.book_time import BookTime
from rebal_tui.services.book.calendars import calendar_of
from rebal_tui.services.book.frame_cache import ChangeTrackingDict, FrameCache
from rebal_tui.services.book.prices import AssetsById, PriceCache
from rebal_tui.services.book.progress import FollowState, PollingState, UnfinishedPass
from rebal_tui.services.book.quarantine_view import QuarantineView
from rebal_tui.services.book.rate_limiter import RateLimiter
from rebal_tui.services.book.rules_view import FrameRules, RulesView
from rebal_tui.services.book.search_index import SearchIndex
from rebal_tui.services.book.settings import Settings
from rebal_tui.services.book.stored_closes import resumed_history, resumed_references
from rebal_tui.services.book.work_queue import WorkQueue
from rebal_tui.store import asset_holds, assets, audit, holds, portfolios, quarantine, runs, uncorrectable, unfinished
from rebal_tui.store.account_table import Accounts, AccountTable, ExtrasByAccount, Progress
from rebal_tui.store.database import Database, Transaction
from rebal_tui.store.holds import Hold
from rebal_tui.store.subscription_table import Subscriptions, SubscriptionTable

ADVISOR = "advisor"
"""Actor of manual actions in the audit trail, unless another name is given."""


class Book:
    """An open book: file, broker, market data and in-memory state. Used by one thread; returned objects are immutable.

    `accounts`, `extras` (reserved cash, external orders) and `subscriptions` build objects by account id from arrays.
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
        """`stopwatch` returns elapsed real seconds, to time jobs; `progress` gets the progress of the initial load.
        `sandbox` controls a simulated broker, `live` is the connection to a real one; each is None without it."""
        self.stopwatch = stopwatch
        self.database = database
        self._manual_actor = ADVISOR
        self.broker = broker
        self.sandbox = sandbox
        self.live = live
        self.polling_state = PollingState()
        self.clock, self._time = clock, BookTime(clock)
        self.feed = feed
        self.settings = settings
        self.version = 0
        self._ticks = 0
        self.price_history = resumed_history(database)
        self.follow_state = FollowState()
        self.price_cache = PriceCache()
        self.account_table = AccountTable()
        self.subscription_table = SubscriptionTable(self.account_table)
        self.accounts = Accounts(self.account_table)
        self.extras = ExtrasByAccount(self.account_table)
        self.subscriptions = Subscriptions(self.account_table, self.subscription_table)
        self.portfolios: dict[str, Portfolio] = {}
        self.open_runs: ChangeTrackingDict[str, Run] = ChangeTrackingDict({})
        self.rate_limiter = RateLimiter(live.budget if live is not None else None)
        self.work_queue = WorkQueue()
        self.pass_in_progress: UnfinishedPass | None = None
        self.cash_targets: ChangeTrackingDict[tuple[str, int], Money] = ChangeTrackingDict({})
        self.system_runs: ChangeTrackingDict[str, tuple[str, str]] = ChangeTrackingDict({})
        self._search_index: SearchIndex | None = None
        self.counted_exceptions: tuple[tuple[int, int], int] | None = None
        """The number of exceptions, and the changes and time for which it was counted."""
        self.holds: dict[str, Hold] = {}
        self.quarantine = QuarantineView()
        self.unfinished: dict[str, Unfinished] = {}
        self.given_up: dict[str, Unfinished] = {}
        self.reference_prices = resumed_references(database)
        self.accounts_to_recheck: set[str] = set()
        self.assets_asked_at: dict[str, datetime] = {}
        self.reconciled = False
        self._frame_cache = FrameCache(self, FrameRules(self))
        database.on_undone = self.reload
        self.reload(progress)

    def now(self) -> datetime:
        return self._time.now()

    @property
    def changes(self) -> int:
        """A counter of changes of the book other than changes of prices; `version` counts those, too."""
        return self.version - self._ticks

    def close(self) -> None:
        """Close the connection to a real broker, and the file."""
        if self.live is not None:
            self.live.close()
        self.database.close()

    def session(self, at: datetime | None = None) -> Session | None:
        """The session of the New York day of `at` (default: now); None when that day has no session."""
        return self.calendar.at(at or self.now())

    @property
    def assets(self) -> dict[str, Asset]:
        """Every asset with its last price, by label: its symbol, or `SYMBOL#` and part of its id (R-50)."""
        return self.price_cache.assets

    @property
    def assets_by_id(self) -> Mapping[str, Asset]:
        """Every asset with its last price, by id."""
        return AssetsById(self.price_cache)

    def find_asset(self, name: str) -> Asset | None:
        """The asset with this id, or else the asset whose label this is; None if there is none."""
        return self.assets_by_id.get(name) or self.assets.get(name)

    def reload(self, progress: Progress | None = None) -> None:
        """Read all in-memory state from the file again; an evaluation pass in progress is dropped."""
        self.pass_in_progress = None
        self.calendar = calendar_of(self.database)
        self.reload_assets()
        self.account_table.load(self.database, progress)
        self.reload_portfolios()
        self.reload_runs()
        self.cash_targets = ChangeTrackingDict(runs.cash_targets(self.database))
        self.system_runs = ChangeTrackingDict(runs.system_runs(self.database))
        self.reload_holds()
        self.reload_unfinished()

    def reload_unfinished(self) -> None:
        """Read the sells left undone, and the due triggers without a possible run (R-14), from the file again."""
        self.unfinished, self.given_up = unfinished.load(self.database), unfinished.given_up(self.database)
        self.uncorrectable = uncorrectable.load(self.database)
        self.version += 1

    def reload_holds(self) -> None:
        """Read the paused accounts, the assets on hold, the quarantine and all restrictions from the file again."""
        self.holds = holds.load(self.database)
        self.quarantine = QuarantineView(quarantine.load(self.database))
        self.rules_view = RulesView.read(self.database, one_list=self.settings.one_list)
        self.asset_holds = asset_holds.load(self.database)
        self.version += 1

    def frame(self) -> BookFrame:
        """The current book in arrays, indexed by account row: the row of an account in `account_table`."""
        return self._frame_cache.frame()

    def search_index(self) -> SearchIndex:
        """The search index of account ids, numbers and names, rebuilt only when one has changed."""
        if self._search_index is None or self._search_index.version != self.account_table.texts_version:
            self._search_index = SearchIndex(self.account_table)
        return self._search_index

    def reload_accounts(self, account_ids: Iterable[str] | None = None) -> None:
        """Read the given accounts from the file again, or all of them."""
        known = len(self.account_table)
        if account_ids is None:
            self.account_table.load(self.database)
        else:
            self.account_table.reload(self.database, list(account_ids))
        if account_ids is None or len(self.account_table) != known:
            self.subscription_table.load(self.database)
        self.version += 1

    def reload_assets(self) -> None:
        """Read the assets from the file again; a newer price in memory is retained.

        When an asset has a new label, its prices move to it, and all in-memory state that uses labels is read again.
        """
        renamed = self.price_cache.load(assets.load(self.database))
        self.version += 1
        if renamed:
            self.price_history.rename(renamed)
            self.reference_prices.rename(renamed)
            if self.feed is not None:
                self.feed.rename(renamed)
            self.reload()

    def apply_prices(self, changed: Mapping[str, Quote]) -> None:
        """Apply changed prices, by label."""
        self.price_history.note(changed)
        if changed:
            self.price_cache.note(changed)
            self.version += 1
            self._ticks += 1

    def reload_portfolios(self) -> None:
        """Read portfolios and subscriptions from the file again."""
        self.portfolios = portfolios.load(self.database)
        self.subscription_table.load(self.database)
        self.version += 1

    def reload_subscriptions(self, account_ids: Iterable[str]) -> None:
        """Read the subscriptions of the given accounts from the file again."""
        self.subscription_table.reload(self.database, list(account_ids))
        if self.unfinished or self.given_up:
            self.reload_unfinished()
        self.version += 1

    def reload_runs(self) -> None:
        self.open_runs = ChangeTrackingDict({run.account_id: run for run in runs.open_runs(self.database)})
        self.rate_limiter.forget()
        self.work_queue.add_all()
        self.version += 1

    def reload_run(self, account_id: str) -> None:
        """Read an account's open run from the file again."""
        run = runs.open_run(self.database, account_id)
        if run is not None:
            self.apply_run_state(run)
        elif self.open_runs.pop(account_id, None) is not None:
            self.version += 1

    def apply_run_state(self, run: Run) -> None:
        """Apply the new state of a run in memory; an open run is queued for processing."""
        if run.status.final:
            self.open_runs.pop(run.account_id, None)
        else:
            self.open_runs[run.account_id] = run
            self.work_queue.add((run.account_id,))
        self.version += 1

    def apply_run_states(self, some: Sequence[Run], idle: Collection[str] = ()) -> None:
        """Apply new states of runs in memory and queue the open ones of them for processing.

        Open runs of accounts in `idle` need no processing yet: they are not queued unless one of the given runs has
        ended.
        """
        if any(run.status.final for run in some):
            for run in some:
                self.apply_run_state(run)
        else:
            self.open_runs.update({run.account_id: run for run in some})
            self.work_queue.add(run.account_id for run in some if run.account_id not in idle)
        self.version += 1

    def account(self, account_id: str) -> Account:
        """The account with this id. Raises `NotFound` for an unknown id."""
        if account_id not in self.accounts:
            raise NotFound(f"no account {account_id}")
        return self.accounts[account_id]

    def is_paused(self, account_id: str) -> bool:
        """Whether an account is paused, by a hold (such as for a difference) or by an entry in quarantine."""
        return account_id in self.holds or account_id in self.quarantine.by_account

    def pause_reason(self, account_id: str) -> str:
        """Why an account is paused; empty when it is not."""
        hold = self.holds.get(account_id)
        return "; ".join([*([hold.reason] if hold else []), *self.quarantine.reasons(account_id)])

    def paused(self, account_id: str) -> tuple[str, ...]:
        """`pause_reason` as a display line; no line when the account is not paused."""
        return (f"paused: {self.pause_reason(account_id)}",) if self.is_paused(account_id) else ()

    def paused_rows(self) -> list[int]:
        """The rows of the paused accounts in `account_table`."""
        row_of = self.account_table.row_of
        return [row_of[one] for one in dict.fromkeys([*self.holds, *self.quarantine.by_account]) if one in row_of]

    def held_assets(self) -> dict[str, str]:
        """By label, why no automatic run trades an asset: it is on hold (R-55) or in quarantine (R-52)."""
        quarantined = self.quarantine.asset_reasons(self.price_cache.labels)
        return quarantined | {symbol: hold.reason for symbol, hold in self.asset_holds.items()}

    def subscribers(self, portfolio_id: str) -> list[str]:
        """The ids of the accounts subscribed to a portfolio, oldest subscription first."""
        ids = self.account_table.ids
        return [ids[row] for row in self.subscription_table.rows_of(portfolio_id).tolist()]

    def portfolio(self, portfolio_id: str) -> Portfolio:
        """The portfolio with this id. Raises `NotFound` for an unknown id."""
        if portfolio_id not in self.portfolios:
            raise NotFound(f"no portfolio {portfolio_id}")
        return self.portfolios[portfolio_id]

    def reserved(self, account_id: str) -> Money:
        """The cash of all reservations of an account, those of journals under way included (R-2, R-9)."""
        return self.extras[account_id].reserve

    def cash_floor(self, account_id: str, cash_weight: int) -> Money:
        """The cash target of an account's last completed run with this cash weight; 0 without such a run (R-14.7).

        `cash_weight` is in hundredths of a percent.
        """
        return self.cash_targets.get((account_id, cash_weight), Money(0))

    def quota_run(self, account_id: str, session: str) -> str | None:
        """Id of the automatic run that uses an account's quota in a session (an ISO date); None without one (R-11)."""
        latest = self.system_runs.get(account_id)
        return latest[1] if latest and latest[0] == session else None

    @contextmanager
    def write(self) -> Iterator[BookTransaction]:
        """A write transaction on the file; nested, a savepoint. Raises the errors of `Database.write`."""
        with self._time.fixed(), self.database.write() as tx:
            yield BookTransaction(self, tx)

    def touch(self) -> None:
        """Increment `version`: data that the screens show has changed."""
        self.version += 1

    def actor(self, actor: str | None) -> str:
        """The name that the audit trail shows for an actor; None stands for the program (`Settings.actor`)."""
        return self._manual_actor if actor == ADVISOR else actor or self.settings.actor

    @contextmanager
    def acting_as(self, who: str) -> Iterator[None]:
        """Record manual actions inside the `with` block under the name `who`."""
        before, self._manual_actor = self._manual_actor, who
        try:
            yield
        finally:
            self._manual_actor = before

    def today(self) -> date:
        return new_york_day(self.now())


class BookTransaction(Transaction):
    """A write transaction on a book. Once it commits, in-memory changes are applied in the order of the calls."""

    def __init__(self, book: Book, of: Transaction) -> None:
        super().__init__(of.database, of.effects)
        self.book = book

    def record(self, action: str, subject: str, detail: object = None, actor: str | None = None) -> None:
        """Append to the audit trail; the actor `ADVISOR` stands for the current user, None for the program."""
        audit.append(self, self.book.now(), self.book.actor(actor), action, subject, detail)

    def changed(self) -> None:
        """Once this transaction commits, increment the book's `version`, so that the screens are refreshed."""
        self.after_commit(self.book.touch)

    def reload(self) -> None:
        """Once this transaction commits, read all in-memory state from the file again."""
        self.after_commit(self.book.reload)

    def reload_assets(self) -> None:
        """Once this transaction commits, read the assets from the file again."""
        self.after_commit(self.book.reload_assets)

    def reload_accounts(self, account_ids: Iterable[str] | None = None) -> None:
        """Once this transaction commits, read the given accounts from the file again, or all of them."""
        self.after_commit(partial(self.book.reload_accounts, account_ids))

    def reload_portfolios(self) -> None:
        """Once this transaction commits, read portfolios and subscriptions from the file again."""
        self.after_commit(self.book.reload_portfolios)

    def reload_subscriptions(self, account_ids: Iterable[str]) -> None:
        """Once this transaction commits, read the subscriptions of the given accounts from the file again."""
        self.after_commit(partial(self.book.reload_subscriptions, account_ids))

    def reload_holds(self) -> None:
        """Once this transaction commits, read pauses, asset holds, quarantine and restrictions from the file again."""
        self.after_commit(self.book.reload_holds)

    def reload_unfinished(self) -> None:
        """Once this transaction commits, read what `Book.reload_unfinished` reads from the file again."""
        self.after_commit(self.book.reload_unfinished)

    def reload_runs(self) -> None:
        """Once this transaction commits, read all open runs from the file again."""
        self.after_commit(self.book.reload_runs)

    def reload_run(self, account_id: str) -> None:
        """Once this transaction commits, read an account's open run from the file again."""
        self.after_commit(partial(self.book.reload_run, account_id))

    def apply_run_states(self, some: Sequence[Run], idle: Collection[str] = ()) -> None:
        """Once this transaction commits, apply new states of runs; `idle` as in `Book.apply_run_states`."""
        self.after_commit(partial(self.book.apply_run_states, some, idle))

    def requeue_runs(self, account_ids: Iterable[str] | None = None) -> None:
        """Once this transaction commits, queue the open runs of these accounts, or all open runs, for processing."""
        queue = self.book.work_queue
        self.after_commit(queue.add_all if account_ids is None else partial(queue.add, account_ids))
