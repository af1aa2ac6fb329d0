"""The database connection: private files, nested transactions, constraints on exact values, unique ids."""

from __future__ import annotations

import itertools
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path
from random import Random
from uuid import RFC_4122, UUID

import pytest

from rebal_tui.domain.errors import ReadOnly
from rebal_tui.store import blobs, book_settings, id_keys, outbox, run_orders
from rebal_tui.store.database import LISTED, Database, SqlRow, SqlValue, Transaction, listed
from tests.services.factories import simple_book
from tests.store.books import new_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_its_log_and_a_new_folder_are_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "book.db"
    database = new_file(path)
    with database.write() as tx:
        book_settings.put(tx, "a", "b")
    assert mode(path.parent) == 0o700
    assert {name.name: mode(name) for name in path.parent.iterdir()} == {
        "book.db": 0o600, "book.db-wal": 0o600, "book.db-shm": 0o600,
    }  # fmt: skip
    database.close()


def test_writes_are_durable_and_take_the_lock_at_once(tmp_path: Path) -> None:
    database = new_file(tmp_path / "book.db")
    assert database.row("PRAGMA journal_mode") == ("wal",)
    assert database.row("PRAGMA synchronous") == (2,)
    assert database.row("PRAGMA foreign_keys") == (1,)
    other = sqlite3.connect(tmp_path / "book.db", timeout=0, isolation_level=None)
    with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()
    database.close()


def test_read_only_reads_and_refuses_to_write(tmp_path: Path) -> None:
    new_file(tmp_path / "book.db").close()
    database = Database(tmp_path / "book.db", read_only=True)
    assert book_settings.get(database, "id_seed") == "seed"
    with pytest.raises(ReadOnly, match="open read-only in this process"), database.write() as tx:
        book_settings.put(tx, "a", "b")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        book_settings.put(Transaction(database, []), "a", "b")
    database.close()


def test_a_file_name_with_a_question_mark_is_not_parsed_as_options(tmp_path: Path) -> None:
    path = tmp_path / "book?mode=memory #1%41.db"
    new_file(path).close()
    assert path.exists()
    assert book_settings.get(Database(path, read_only=True), "id_seed") == "seed"


class Failure(Exception):
    pass


def test_a_block_that_raises_is_rolled_back() -> None:
    database = new_file()

    def work() -> None:
        with database.write() as tx:
            book_settings.put(tx, "a", "1")
            raise Failure

    with pytest.raises(Failure):
        work()
    assert book_settings.get(database, "a") == ""
    assert not database.connection.in_transaction


def test_an_inner_block_that_raises_is_rolled_back_alone() -> None:
    database = new_file()

    def inner() -> None:
        with database.write() as tx:
            book_settings.put(tx, "a", "inner")
            with database.write():
                book_settings.put(tx, "b", "innermost")
            raise Failure

    with database.write() as tx:
        book_settings.put(tx, "a", "outer")
        with pytest.raises(Failure):
            inner()
        book_settings.put(tx, "c", "after")
    assert [book_settings.get(database, name) for name in "abc"] == ["outer", "", "after"]


def test_an_outer_block_that_raises_rolls_back_the_inner_ones() -> None:
    database = new_file()

    def outer() -> None:
        with database.write() as tx:
            with database.write():
                book_settings.put(tx, "a", "inner")
            raise Failure

    with pytest.raises(Failure):
        outer()
    assert book_settings.get(database, "a") == ""


def test_a_commit_that_fails_leaves_no_transaction_open() -> None:
    database = new_file()
    database.connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    database.connection.execute(
        "CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED, text TEXT)"
    )
    with pytest.raises(sqlite3.IntegrityError), database.write() as tx:
        tx.execute("INSERT INTO child VALUES (1, 'orphan')")
    with database.write() as tx:
        book_settings.put(tx, "a", "works")
    assert book_settings.get(database, "a") == "works"
    assert database.rows("SELECT * FROM child") == []


def test_an_id_is_never_given_twice(tmp_path: Path) -> None:
    """Not after rolled-back transactions, and not after a restart."""
    random = Random(1)
    database = new_file(tmp_path / "book.db")
    given: list[str] = []
    for _ in range(30):
        new_ids: list[str] = []
        try:
            with database.write() as tx:
                new_ids = [book_settings.next_id(tx) for _ in range(random.randint(1, 4))]
                if random.random() < 0.3:
                    raise Failure
            given += new_ids
        except Failure:
            pass
        if random.random() < 0.3:
            database.close()
            database = Database(tmp_path / "book.db")
    assert len(given) == len(set(given)) > 40
    for identity in given:
        parsed = UUID(identity)
        assert (str(parsed), parsed.version, parsed.variant) == (identity, 8, RFC_4122)


@pytest.mark.slow
def test_consecutive_ids_are_close_and_start_differently() -> None:
    """An index inserts them close together, and a person can distinguish them by the characters that a screen shows."""
    database = new_file()
    with database.write() as tx:
        ids = book_settings.next_ids(tx, 100_000)
    assert len({identity[:8] for identity in ids}) == len(ids)
    starts = [int(identity[:8], 16) for identity in ids]
    assert {(after - before) % 2**32 for before, after in itertools.pairwise(starts)} == {4_099}
    assert all(one[:5] != other[:5] for one, other in itertools.pairwise(ids))
    assert len({identity[9:] for identity in ids}) == len(ids)


def test_the_same_seed_gives_the_same_ids_and_another_gives_others() -> None:
    books = [new_file(), new_file(), new_file()]
    with books[2].write() as tx:
        book_settings.put(tx, "id_seed", "another")
    ids = []
    for book in books:
        with book.write() as tx:
            ids.append([book_settings.next_id(tx) for _ in range(5)])
    assert ids[0] == ids[1]
    assert set(ids[0]).isdisjoint(ids[2])


ASSET = "INSERT INTO assets VALUES (1, 'id', 'SPY', 'SPY', 'ARCA', 'active', 1, 1, {price}, 0)"
ACCOUNT = "INSERT INTO accounts VALUES (1, 'a', 'n', 'name', 'ACTIVE', {cash}, {unsettled}, '', 0, 0)"
RESERVATION = (
    "INSERT INTO reservations (account, owner_kind, owner, origin_kind, origin, amount, created_at) "
    "VALUES (1, '{kind}', 'o', '{origin}', '', {amount}, 0)"
)
PORTFOLIO = (
    "INSERT INTO portfolios (key, id, name, description, status, cash_weight, cooldown_days, created_at, updated_at) "
    "VALUES (1, 'p', 'p', '', {values}, 0, 0)"
)
RUN = (
    "INSERT INTO runs (key, id, account, portfolio, subscription, type, amount, initiated_from, status, phase, "
    "approval, reason, why, weights, cash_weight, session, counts_quota, cash_target, cancel_requested, created_at, "
    "updated_at) VALUES ({key}, '{key}', 1, NULL, NULL, '{type}', {amount}, '{origin}', '{status}', 'waiting', "
    "'not_needed', NULL, NULL, 1, 0, '2026-03-02', {quota}, NULL, 0, 0, 0)"
)


def run(key: int = 1, kind: str = "full_rebalance", amount: str = "NULL", status: str = "QUEUED", quota: int = 0,
        origin: str = "system") -> str:  # fmt: skip
    return RUN.format(key=key, type=kind, amount=amount, status=status, quota=quota, origin=origin)


def ready() -> Database:
    database = new_file()
    database.connection.execute(ASSET.format(price=1))
    database.connection.execute(ACCOUNT.format(cash=0, unsettled=0))
    with database.write() as tx:
        blobs.put(tx, "{}")
    return database


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        ACCOUNT.replace("1, 'a'", "2, 'b'").format(cash="1.5", unsettled=0),
        ACCOUNT.replace("1, 'a'", "2, 'b'").format(cash="'1.5'", unsettled=0),
        ACCOUNT.replace("1, 'a'", "2, 'b'").format(cash="'ten'", unsettled=0),
        ACCOUNT.replace("1, 'a'", "2, 'b'").format(cash=0, unsettled=-1),
        ACCOUNT.format(cash=0, unsettled=0),
        ASSET.replace("1, 'id', 'SPY'", "2, 'x', 'X'").format(price=0),
        ASSET.replace("1, 'id', 'SPY'", "2, 'x', 'X'").format(price=-5),
        ASSET.replace("1, 'id', 'SPY'", "2, 'x', 'X'").format(price=100.25),
        RESERVATION.format(kind="run", origin="", amount=0),
        RESERVATION.format(kind="broker", origin="", amount=1),
        RESERVATION.format(kind="run", origin="person", amount=1),
        RESERVATION.format(kind="journal", origin="journal", amount=1),
        "INSERT INTO positions VALUES (1, 1, 0, NULL)",
        "INSERT INTO positions VALUES (1, 1, -1, NULL)",
        "INSERT INTO positions VALUES (1, 1, 0.5, NULL)",
        "INSERT INTO positions VALUES (2, 1, 1, NULL)",
        PORTFOLIO.format(values="'asleep', 0, 0"),
        PORTFOLIO.format(values="'active', 10001, 0"),
        PORTFOLIO.format(values="'active', 0, -1"),
        run(kind="partial_liquidation"),
        run(kind="partial_liquidation", amount="0"),
        run(kind="full_rebalance", amount="5"),
        run(kind="sell_everything"),
        run(status="DONE"),
        run(origin="someone"),
        run(quota=2),
        "INSERT INTO journals VALUES ('j', 1, 'a', 'f', 0, 'queued', '', NULL, 0, 0, NULL)",
        "INSERT INTO fills VALUES ('e', 1, 1, 'buy', 0, 1, 1, 0, '', '', '', NULL, NULL)",
        "INSERT INTO fills VALUES ('e', 1, 1, 'hold', 1, 1, 1, 0, '', '', '', NULL, NULL)",
        "INSERT INTO fills VALUES ('e', 1, 1, 'buy', 1, 1, 1.0000001, 0, '', '', '', NULL, NULL)",
        "INSERT INTO sessions VALUES ('2026-03-02', 5, 5, '2026-03-03', NULL)",
    ],
)
def test_inexact_or_out_of_range_values_are_refused_by_the_schema(statement: str) -> None:
    database = ready()
    with pytest.raises(sqlite3.IntegrityError), database.write() as tx:
        tx.execute(statement)


def test_an_account_has_one_open_run_one_system_run_a_session_and_one_subscription() -> None:
    database = ready()
    connection = database.connection
    connection.execute(run(1, status="COMPLETED_SUCCESS", quota=1))
    connection.execute(run(2))
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(run(3, status="IN_PROGRESS"))
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(run(3, status="COMPLETED_ADJUSTED", quota=1))
    connection.execute(run(3, status="CANCELED"))
    connection.execute(PORTFOLIO.format(values="'active', 0, 0"))
    connection.execute("INSERT INTO subscriptions VALUES (1, 's1', 1, 1, 0, NULL, 5, NULL, NULL)")
    connection.execute("INSERT INTO subscriptions VALUES (2, 's2', 1, 1, 0, NULL, NULL, NULL, NULL)")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO subscriptions VALUES (3, 's3', 1, 1, 0, NULL, NULL, NULL, NULL)")


@pytest.mark.parametrize("sizes", [("NULL", "NULL"), ("1", "1"), ("0", "NULL"), ("NULL", "-1")])
def test_an_order_has_a_positive_amount_of_either_dollars_or_shares(sizes: tuple[str, str]) -> None:
    database = ready()
    database.connection.execute(run())
    notional, qty = sizes
    with pytest.raises(sqlite3.IntegrityError):
        database.connection.execute(
            "INSERT INTO orders (run, line, asset, side, notional, qty, status, created_at, updated_at) "
            f"VALUES (1, 1, 1, 'buy', {notional}, {qty}, 'new', 0, 0)"
        )


def test_money_columns_hold_integers_only() -> None:
    """Every table is STRICT and no column is REAL, so that no float is ever stored."""
    database = new_file()
    tables = database.rows(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
        "AND name NOT LIKE 'sqlite%' AND name <> '_sqlite_migrations'"
    )
    assert len(tables) > 15
    assert [name for name, strict in tables if not strict] == []
    types = {kind for name, _ in tables for _, _, kind, *_ in database.rows(f"PRAGMA table_info({name})")}
    assert types == {"INTEGER", "TEXT", "BLOB"}


def test_the_number_of_requested_rows_does_not_change_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite caches every statement, so a list that grows by one item must not create a new statement."""
    book, issued = simple_book(), set()
    (account,) = book.accounts
    read = Database.rows

    def noted(database: Database, sql: str, parameters: Sequence[SqlValue] = ()) -> list[SqlRow]:
        issued.add(sql)
        return read(database, sql, parameters)

    monkeypatch.setattr(Database, "rows", noted)

    def ask(some: list[str]) -> None:
        id_keys.keys(book.database, "accounts", some)
        run_orders.counts(book.database, some)
        outbox.progress(book.database, some)
        book.account_table.reload(book.database, some)
        book.subscription_table.reload(book.database, some)

    ask([account])
    first = set(issued)
    for count in range(2, 9):
        ask([account] * count)
    assert issued == first


def test_a_list_of_any_values_is_one_parameter() -> None:
    database = Database()
    odd = ["a'b", 'a"b', "a\\b", "[1,2]", "null", "1", "é\u2028", ""]
    found = database.rows(f"SELECT value FROM json_each(?) WHERE value IN {LISTED}", (listed([*odd, "x"]), listed(odd)))
    assert [value for (value,) in found] == odd
