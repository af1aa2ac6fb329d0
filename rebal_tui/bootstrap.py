"""Creating, opening and assembling books: file, clock, sessions, prices and broker."""

from __future__ import annotations

import base64
import secrets
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from rebal_tui import files_book, paths
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.broker.simulated.schema import create_tables, refuse_newer
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import Session, new_york_day
from rebal_tui.market.clock import ClockState, FixedClock, HeartbeatClock, RealClock
from rebal_tui.market.closes import Closes, ClosesFeed
from rebal_tui.market.fixed import FixedPrices
from rebal_tui.market.profiles import walk_asset
from rebal_tui.market.protocol import Clock, PriceFeed, Quote
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from rebal_tui.market.walk import RandomWalk
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guards import with_guards
from rebal_tui.services.book.market_state import load_clock, load_walk, store_clock
from rebal_tui.services.book.policy import stored_policy, with_policy
from rebal_tui.services.book.settings import Mode, Settings, window_end_only
from rebal_tui.services.importing.book_import import ImportSummary, import_book
from rebal_tui.services.parsing.book_values import BookFile
from rebal_tui.services.schedule import jobs as scheduled_jobs
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration import script, setup
from rebal_tui.services.simulation.demonstration.models import start_prices
from rebal_tui.services.wire.keys import NewKey
from rebal_tui.store import accounts as account_store
from rebal_tui.store import asset_renames, assets, book_settings
from rebal_tui.store import sessions as session_store
from rebal_tui.store.account_table import Progress
from rebal_tui.store.backup import back_up, require_whole
from rebal_tui.store.database import MEMORY, Database
from rebal_tui.store.migrations import migrate, require_schema
from rebal_tui.store.schema import MIGRATIONS

DEFAULT_SPEED = 60.0
SANDBOX = "sandbox"
CALENDAR_BEFORE = timedelta(days=40)
CALENDAR_AHEAD = timedelta(days=800)
ENVIRONMENT = "environment"
"""The setting of a live book that names its broker environment, `LIVE` or `PAPER`."""

scheduled_jobs.register(script.JOB, script.is_demo)


def real_now() -> datetime:
    """The time of the computer in UTC, for anything that must not depend on a book's clock."""
    return RealClock().now()


def new_seed() -> str:
    """A unique seed, from which the prices of a simulated market and the ids of its book are derived."""
    return uuid.uuid4().hex


def new_api_key() -> NewKey:
    """A new API key with a random id and a secret of 240 bits."""
    key_id = base64.b32encode(secrets.token_bytes(10)).decode()
    return NewKey(f"PK{key_id}", secrets.token_urlsafe(30), secrets.token_bytes(16))


def new_secret() -> str:
    """A text of 256 random bits that needs no quoting in a URL."""
    return secrets.token_urlsafe(32)


def next_open(after: datetime) -> datetime:
    """The time of the first open of the exchange later than `after`."""
    day = new_york_day(after)
    opening = TradingCalendar(build_sessions(day, day + timedelta(days=14))).next_open(after)
    return opening or after


def open_database(path: Path | str, *, read_only: bool = False, is_backup: bool = False) -> Database:
    """Open a book's file. Unless `read_only`, migrate it and claim the fencing epoch: no other process can write then.

    The file is backed up before a migration, unless it is a copy of a backup (`is_backup`). Raises `Conflict` when it
    is not a book, is damaged, or is newer than this program.
    """
    import sqlite3

    database: Database | None = None
    try:
        database = Database(path, read_only=read_only)
        if not read_only:
            require_whole(database)
            refuse_newer(_sim_migrations(database))  # before the book's own migrations change the file
            before = None if is_backup else (lambda names: _back_up_before_migration(database, names))
            migrate(database, [("book", MIGRATIONS)], before)
            with database.write() as tx:
                create_tables(tx)
                database.claim_epoch()
    except sqlite3.Error as error:
        if database is not None:
            database.close()
        raise Conflict(paths.cannot_open_message(Path(path), error, is_backup=is_backup)) from error
    except Conflict:
        if database is not None:
            database.close()
        raise
    return database


def _sim_migrations(database: Database) -> set[str]:
    """The migrations of the simulated broker's tables in a file; none in a new one."""
    if database.row("SELECT 1 FROM sqlite_master WHERE name = 'sim_migrations'") is None:
        return set()
    return {name for (name,) in database.rows("SELECT name FROM sim_migrations")}


def open_view(path: Path) -> Book:
    """Open a book read-only that another process writes, and refresh it as that process writes.

    Raises `Conflict` when the book is damaged, or was written by another version of the program.
    """
    database = open_database(path, read_only=True)
    try:
        with paths.naming_damage(path):
            require_schema(database, [("book", MIGRATIONS)])
            refuse_newer(_sim_migrations(database))
            if files_book.is_files(database):
                return files_book.open_files(database)
            return open_offline(database) if is_live(database) else open_simulation(database)
    except BaseException:
        database.close()
        raise


def _back_up_before_migration(database: Database, names: Sequence[str]) -> None:
    """Back up the file before migrations change it."""
    if database.path != MEMORY:
        folder = paths.backup_folder(Path(database.path))
        back_up(database, folder / f"before-{names[0]}.db")


def open_copy(path: Path) -> Database:
    """Copy a book into memory as it is now, even while another process has it open; the file is never changed.

    Raises `Conflict` when the file is not a book or is newer than this program.
    """
    import sqlite3

    paths.require_book(path)
    source, copy = open_database(path, read_only=True), Database()
    try:
        source.connection.backup(copy.connection, pages=-1)
        copy.folder = source.folder
        migrate(copy, [("book", MIGRATIONS)])
        with copy.write() as tx:
            create_tables(tx)
    except BaseException as error:
        copy.close()
        if isinstance(error, sqlite3.Error):
            raise Conflict(f"{path} cannot be opened as a book: {error}") from error
        raise
    finally:
        source.close()
    return copy


class _NoSessions:
    """Sessions of a market that never opens."""

    def session(self, day: date) -> Session | None:  # noqa: ARG002 - the signature of a calendar
        return None


def read_only_broker(database: Database) -> SimulatedBroker:
    """The simulated broker of a file, for reading its records only: it has no market and creates no ids."""

    def no_ids(_name: str) -> str:
        raise Conflict("the broker's records are open read-only")

    return SimulatedBroker(database, _NoSessions(), lambda _symbol: None, real_now, no_ids)


def is_live(database: Database) -> bool:
    """Whether the broker of a book is a real one."""
    return book_settings.get(database, book_settings.BROKER) not in ("", files_book.FILES)


def open_offline(database: Database) -> Book:
    """Open the book of a real broker read-only from its file, without a connection."""
    settings = Settings(
        Mode.LIVE, book_settings.get(database, "name", "book"), environment=book_settings.get(database, ENVIRONMENT)
    )
    settings = with_guards(with_policy(settings, stored_policy(database)), database)
    return Book(database, read_only_broker(database), RealClock(), settings)


def is_empty(database: Database) -> bool:
    """Whether neither the book nor its simulated broker has an account yet."""
    return not account_store.known(database) and not read_only_broker(database).accounts()


def create_simulation(
    database: Database, *, start: datetime, seed: str, name: str = "book", speed: float = DEFAULT_SPEED,
    fills: str = "", turbulence: str = "1", paused: bool = False,
) -> None:  # fmt: skip
    """Initialize a new file as the book of a simulated market whose time begins at `start`.

    `speed` is simulated seconds per real second. `fills` selects the fill model, such as `immediate`; empty is the
    default one. `turbulence`, a decimal number, multiplies the volatility of every price. With `paused`, simulated time
    does not run before it is resumed.
    """
    first = min(new_york_day(start) - CALENDAR_BEFORE, date(start.year, 1, 1))
    with database.write() as tx:
        session_store.save(tx, build_sessions(first, new_york_day(start) + CALENDAR_AHEAD))
        values = {"mode": Mode.SIMULATED.value, "name": name, "seed": seed, "id_seed": seed, "fills": fills}
        for key, value in {**values, "turbulence": turbulence}.items():
            book_settings.put(tx, key, value)
        store_clock(tx, ClockState(start, speed, paused))


def create_demo(
    path: Path | str, *, accounts: int = 60, seed: str = "1", start: datetime | None = None,
    speed: float = DEFAULT_SPEED, paused: bool = False,
) -> Database:  # fmt: skip
    """Create the demonstration book in a new file, to be opened by `open_simulation`.

    The same arguments create the same book. All is written in one transaction. Raises `Conflict` for a file that is in
    use, `Invalid` for a number of accounts outside 1 to 100,000 or a speed out of range.
    """
    database = open_database(path)
    try:
        if load_clock(database) is not None or not is_empty(database):
            raise Conflict(f"{path} already contains a book; the demonstration needs a new file")
        at = start or setup.DEFAULT_START
        with database.write():
            create_simulation(
                database, start=at, seed=seed, name="demonstration", speed=speed, turbulence=setup.TURBULENCE,
                paused=paused,
            )  # fmt: skip
            calendar = TradingCalendar(session_store.load(database))
            prices = FixedPrices(start_prices(), at)
            settings = Settings(Mode.SIMULATED)
            book = assemble(database, FixedClock(at), calendar, prices, settings, FillModel.immediate())
            setup.populate(book, accounts, seed)
    except BaseException:
        database.close()
        raise
    return database


def is_sandbox(database: Database) -> bool:
    """Whether the book is a sandbox: a simulated book whose time and prices change only on request."""
    return book_settings.get(database, "market") == SANDBOX


def import_file(path: Path, parsed: BookFile) -> ImportSummary:
    """Import `parsed`, the content of a BOOK.json, into a new or empty file; its simulated market runs in real time.

    All or nothing: a file that did not exist does not exist after a refusal. Raises `Conflict` as `import_book` does.
    """
    new = not path.exists()
    database = open_database(path)
    try:
        with database.write():
            if load_clock(database) is None:
                create_simulation(database, start=parsed.as_of or real_now(), seed=path.stem, name=path.stem, speed=1.0)
            # The stopwatch is fixed at 0: the duration of the import must not appear in the book.
            summary = import_book(open_simulation(database, monotonic=lambda: 0.0), parsed)
        database.close()
    except BaseException:
        database.close()
        if new:
            path.unlink(missing_ok=True)
        raise
    return summary


def open_simulation(
    database: Database, *, backup_folder: Path | None = None, at: datetime | None = None,
    monotonic: Callable[[], float] = time.monotonic, progress: Progress | None = None,
) -> Book:  # fmt: skip
    """Open the book of a simulated market; its clock resumes where it stopped.

    With `at` the clock is fixed at that time and orders fill at once, for a command that makes one evaluation pass.
    Backups go to `backup_folder`, None for no backups. `monotonic` returns the real elapsed seconds that simulated time
    follows. `progress` is called with the number of accounts read and their total. Raises `Conflict` when the file is
    not the book of a simulated market.
    """
    state = load_clock(database)
    if state is None:
        raise Conflict("the file is not the book of a simulated market")
    calendar = TradingCalendar(session_store.load(database))
    clock: Clock = (
        HeartbeatClock(state, skip=calendar.demo_skip, monotonic=monotonic)
        if at is None
        else FixedClock(max(at, state.at))
    )
    walk_state = load_walk(database)
    prices = {symbol: asset.price for symbol, asset in assets.load(database).items() if asset.price is not None}
    feed: PriceFeed
    if is_sandbox(database):
        feed = FixedPrices(prices, state.at)
    else:
        first = asset_renames.first_labels(database)
        feed = RandomWalk(
            [walk_asset(symbol, price, first.get(symbol, "")) for symbol, price in sorted(prices.items())],
            calendar,
            seed=book_settings.get(database, "seed", "1"),
            start=walk_state or state.at,
            turbulence=float(book_settings.get(database, "turbulence", "1")),
        )
    settings = Settings(
        Mode.SIMULATED,
        name=book_settings.get(database, "name", "book"),
        backup_folder=str(backup_folder) if backup_folder and not is_sandbox(database) else None,
    )
    settings = with_guards(with_policy(settings, stored_policy(database)), database)
    immediate = book_settings.get(database, "fills") == "immediate" or at is not None
    model = FillModel.immediate() if immediate else FillModel(latency_seconds=(60, 420), partial_chance=35)
    return assemble(database, clock, calendar, feed, settings, model, monotonic, progress)


def memory_book(
    at: datetime, *, prices: Mapping[str, Price], known_from: date | None = None, path: Path | str = MEMORY,
    seed: str = "memory", settings: Settings | None = None, model: FillModel | None = None,
) -> Book:  # fmt: skip
    """A new simulated book with a fixed clock and fixed prices, to evaluate its accounts once.

    Its calendar begins at `known_from`, by default as for any new book. `model` decides when orders fill, by default
    immediately.
    """
    database = open_database(path)
    create_simulation(database, start=at, seed=seed, paused=True, fills="immediate")
    if known_from is not None:
        with database.write() as tx:
            session_store.save(tx, build_sessions(known_from, new_york_day(at) + CALENDAR_AHEAD))
    calendar = TradingCalendar(session_store.load(database))
    used = settings or Settings(Mode.SIMULATED, price_max_age=None)
    return assemble(database, FixedClock(at), calendar, FixedPrices(prices, at), used, model or FillModel.immediate())


def replay_book(closes: Closes, first: date, last: date, *, path: Path | str = MEMORY) -> Book:
    """A simulated book to replay the closing prices `closes` from `first` to `last`, with one evaluation per session.

    Orders fill at the closing prices of their session.
    """
    database = open_database(path)
    sessions = build_sessions(first - CALENDAR_BEFORE, last + CALENDAR_BEFORE)
    calendar = TradingCalendar(sessions)
    opening = calendar.on_or_before(first - timedelta(days=1))
    start = opening.close if opening else sessions[0].open
    create_simulation(database, start=start, seed="replay", paused=True, fills="immediate")
    with database.write() as tx:
        session_store.save(tx, sessions)
    settings = Settings(Mode.REPLAY, name="replay", slots=window_end_only)
    feed = ClosesFeed(closes, calendar)
    return assemble(database, FixedClock(start), calendar, feed, settings, FillModel.immediate())


def assemble(
    database: Database, clock: Clock, calendar: TradingCalendar, feed: PriceFeed, settings: Settings, model: FillModel,
    stopwatch: Callable[[], float] | None = None, progress: Progress | None = None,
) -> Book:  # fmt: skip
    """The book of a database with a simulated broker that fills orders at the prices of `feed` by `model`."""
    namespace = uuid.uuid5(uuid.NAMESPACE_OID, book_settings.get(database, "id_seed", "book"))
    broker = SimulatedBroker(
        database, calendar, _quote_of(feed), clock.now, lambda name: str(uuid.uuid5(namespace, name)), model
    )
    book = Book(database, broker, clock, settings, feed=feed, sandbox=broker, stopwatch=stopwatch, progress=progress)
    book.price_history.note(feed.quotes())
    if not database.read_only:
        scheduler.start(book)
    return book


def _quote_of(feed: PriceFeed) -> Callable[[str], Quote | None]:
    return lambda symbol: feed.quotes().get(symbol)
