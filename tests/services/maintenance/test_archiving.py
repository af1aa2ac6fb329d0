"""Past years of a book move into its archive, and everything that reads the past still finds them, once."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from rebal_tui import bootstrap, opening
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.orders import Fill, Side
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.maintenance.archive_check import check_whole
from rebal_tui.services.maintenance.archiving import archivable, archive, found_at
from rebal_tui.services.maintenance.export import export_text
from rebal_tui.services.queries.account_page import account_page
from rebal_tui.services.queries.run_search import find_runs
from rebal_tui.services.queries.runs import run_view, runs_snapshot
from rebal_tui.services.reports import build
from rebal_tui.services.wire.activities import ActivityQuery, list_activities
from rebal_tui.services.wire.pages import find_run, page_of_runs
from rebal_tui.store import archive_selection, archives, audit, fills, past_rows, run_orders, runs
from rebal_tui.store.codec import client_order_id
from rebal_tui.store.database import Database
from tests.services.maintenance.archived_books import archive_all, make_book

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 5, 17, tzinfo=NEW_YORK)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("years") / "book.db"
    make_book(path)
    return path


@pytest.fixture(scope="module")
def before(template: Path) -> dict[str, object]:
    """What is seen of the book before anything is archived."""
    with closing(bootstrap.open_database(template)) as opened:
        return seen(opened)


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "book.db"))


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(bootstrap.open_database(path)) as opened:
        yield opened


def seen(database: Database) -> dict[str, object]:
    """Everything that people and clients of the API can read about the past."""
    book = opening.open_to_read(database, Path(database.path))
    ids = [run.id for run in past_rows.newest(database, -1)]
    return {
        "runs": runs_snapshot(book).rows,
        "searched": [find_runs(book, text).rows for text in ("ada", "date<=2024-12", "date=2025", "status:completed")],
        "counted": [find_runs(book, text).matching for text in ("ada", "date<=2024-12", "date=2025", "")],
        "views": [run_view(book, one) for one in ids],
        "pages": [page_of_runs(book, 3), page_of_runs(book, 3, before=6), page_of_runs(book, 50, account_id="b")],
        "api": [find_run(book, one) for one in ids],
        "activities": [
            list_activities(book, ActivityQuery(newest_first=first, page_size=size))
            for first in (True, False) for size in (5, 100)
        ],
        "accounts": [account_page(book, one).detail for one in "abc"],
        "reports": [build.account_report(book, f"{one}").sections for one in ("Ada", "Bob", "Cleo")],
        "run reports": [build.run_report(book, one).sections for one in ids],
        "exports": [export_text(book, what, "csv") for what in ("runs", "orders", "decisions")],
        "prices": past_rows.session_prices(database),
    }  # fmt: skip


def faults_of(database: Database) -> list[str]:
    return [str(fault) for fault in check_whole(database, bootstrap.read_only_broker).faults]


def sizes(database: Database) -> dict[str, int]:
    return {year: runs + decisions for year, runs, decisions in archive_selection.years(database)}


def test_whatever_reads_the_past_finds_it_once(path: Path, database: Database, before: dict[str, object]) -> None:
    rows = sizes(database)
    archive_all(database, path)
    assert "2024" not in sizes(database)
    assert sizes(database)["2025"] < rows["2025"]
    assert sizes(database)["2026"] == rows["2026"]
    assert seen(database) == before
    assert faults_of(database) == []


def test_a_later_year_joins_the_same_archive(
    path: Path, database: Database, tmp_path: Path, before: dict[str, object]
) -> None:
    archive_all(database, path, "2024")
    database.connection.execute("VACUUM INTO ?", (str(tmp_path / "older.db"),))
    assert seen(database) == before
    target = archive_all(database, path)
    assert seen(database) == before
    assert faults_of(database) == []
    assert [one.name for one in tmp_path.glob("*archive*")] == [target.name]
    # A copy from before the second year reads the archive that continues its own.
    with closing(bootstrap.open_database(tmp_path / "older.db")) as older:
        assert seen(older) == before
        assert faults_of(older) == []


@pytest.mark.parametrize("stop", range(48))
@pytest.mark.parametrize("first", [None, "2024"])
@pytest.mark.samples(3)
def test_an_interrupted_call_is_continued_by_the_next(
    path: Path, database: Database, tmp_path: Path, before: dict[str, object], first: str | None, stop: int
) -> None:
    """After any number of steps; more than there are is a call that ended."""
    if first is not None:
        archive_all(database, path, first)
    with closing(archive(database, NOW, None, archives.default_path(path))) as work:
        made = sum(1 for _, _ in zip(range(stop), work, strict=False))
    assert seen(database) == before
    database.close()
    with closing(bootstrap.open_database(path)) as again:
        assert seen(again) == before
        if made == stop:
            archive_all(again, path)
        assert seen(again) == before
        assert faults_of(again) == []
        assert sizes(again)["2025"] == 2
    assert not (tmp_path / "book-archive.db.partial").exists()


def test_a_file_renamed_before_the_book_remembers_it(
    path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, before: dict[str, object]
) -> None:
    for through in ("2024", "2025"):
        with monkeypatch.context() as stopped:
            stopped.setattr(archives, "put", _killed)
            with pytest.raises(KeyboardInterrupt):
                archive_all(database, path, through)
        assert seen(database) == before
        archive_all(database, path, through)
        assert seen(database) == before
    assert faults_of(database) == []


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_file_that_is_not_the_archive_is_never_replaced(path: Path, database: Database) -> None:
    target = archives.default_path(path)
    target.write_text("a diary")
    for given in (target, path):
        with pytest.raises(Conflict, match="not the archive of this book"):
            next(archive(database, NOW, None, given))
    assert target.read_text() == "a diary"


def test_an_archive_that_has_more_than_the_book_is_not_replaced(
    path: Path, template: Path, database: Database, tmp_path: Path
) -> None:
    target = archive_all(database, path)
    content = target.read_bytes()
    database.close()
    # The book is restored from before it was archived, and loses a run of that time.
    shutil.copy(template, path)
    with closing(bootstrap.open_database(path)) as restored:
        restored.connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("run_events", "orders", "fills", "skipped_orders"):
            restored.connection.execute(f"DELETE FROM {table} WHERE run = 2")
        restored.connection.execute("DELETE FROM decisions WHERE 2 IN (run, open_run, quota_run)")
        restored.connection.execute("DELETE FROM runs WHERE key = 2")
        with pytest.raises(Conflict, match="not the archive of this book"):
            archive_all(restored, path)
    assert target.read_bytes() == content
    assert not list(tmp_path.glob("*.partial"))


def test_what_rules_still_need_stays(database: Database) -> None:
    """R-14.7, R-31: the last completed run of an account. Runs that an alert or a later decision names, the newest."""
    last: dict[int, int] = dict(
        database.rows("SELECT account, max(key) FROM runs WHERE status LIKE 'COMPLETED%' GROUP BY account")
    )
    named = database.rows("SELECT id, key FROM runs WHERE session < '2025' ORDER BY key")[0]
    database.connection.execute(
        "INSERT INTO alerts (at, kind, subject, text) VALUES (0, 'run_failed', ?, 'look')", (named[0],)
    )
    archive_selection.choose(database, "2025")
    stays = {key for (key,) in database.rows("SELECT key FROM temp.stays")}
    in_years = {key for (key,) in database.rows("SELECT key FROM runs WHERE session < '2026'")}
    assert stays == {named[1]} | (set(last.values()) & in_years)
    book = opening.open_to_read(database, Path(database.path))
    targets, quota = dict(book.cash_targets), dict(book.system_runs)
    archive_all(database, Path(database.path))
    book.reload()
    assert dict(book.cash_targets) == targets
    assert {one: quota[one] for one in book.system_runs} == dict(book.system_runs)


def test_the_current_year_and_nothing_are_refused(path: Path, database: Database) -> None:
    for year, message in (("2026", "only years before 2026"), ("25", "expected a year"), ("2023", "nothing more")):
        with pytest.raises(Conflict, match=message):
            archive_all(database, path, year)
    with pytest.raises(Conflict, match="nothing can be archived"):
        archivable(database, datetime(2024, 12, 31, tzinfo=NEW_YORK))
    archive_all(database, path)
    with pytest.raises(Conflict, match="nothing more to archive up to 2025"):
        archive_all(database, path)


def test_a_missing_moved_or_changed_archive_is_named(path: Path, database: Database, tmp_path: Path) -> None:
    archived = past_rows.newest(database, -1)[-1].id
    target = archive_all(database, path)
    book = opening.open_to_read(database, path)
    assert archives.problem(database) == ""
    away = tmp_path / "elsewhere" / "past.db"
    away.parent.mkdir()
    target.rename(away)
    database.archive = None
    assert "book-archive.db, is missing" in archives.problem(database)
    with pytest.raises(NotFound, match=f"run {archived} is in an archive that cannot be read"):
        run_view(book, archived)
    assert any(fault.startswith("archive: the archive with the years to 2025") for fault in faults_of(database))
    assert len(faults_of(database)) == 1

    found_at(database, NOW, away)
    assert run_view(book, archived).run.id == archived
    assert faults_of(database) == []
    with closing(sqlite3.connect(away)) as changed:
        changed.execute("UPDATE fills SET price = price + 1")
        changed.commit()
    assert any("archive: its rows are not those that were archived" in fault for fault in faults_of(database))
    other = tmp_path / "other.db"
    shutil.copy(path, other)
    with pytest.raises(Conflict, match="is not the archive of this book"):
        found_at(database, NOW, other)


def test_a_late_event_of_an_archived_run_changes_nothing(path: Path, database: Database) -> None:
    run = past_rows.newest(database, -1)[-1]
    line, order, _ = run_orders.of_run(database, run.id)[0]
    archive_all(database, path)
    late = Fill("late", order.id, client_order_id(run.id, line), run.account_id, order.symbol, Side.BUY, Qty(10**9),
                Price(10**9), Money(10**9), NOW, "2026-01-06")  # fmt: skip
    assert run_orders.placed(database, late.client_order_id)
    with database.write() as tx:
        assert not fills.add(tx, late)
    assert fills.known(database, late)


def test_the_trail_records_it(path: Path, database: Database) -> None:
    target = archive_all(database, path)
    entry = audit.entries(database, 1)[0]
    found = archives.record(database)
    assert found is not None
    assert (entry.action, entry.actor) == ("book.archived", "advisor")
    assert found.digest in entry.detail
    assert target.stat().st_mode & 0o777 == 0o600
    assert runs.count(database) < past_rows.count(database)
