"""A halted book: reported once, 503, retried, recovered; left alone when another program took it over."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from rebal_tui import bootstrap
from rebal_tui.api.heartbeats import CHECK_SECONDS, LATE_SECONDS, RETRY_SECONDS, HeartbeatRecord
from rebal_tui.api.responses import LOCKED
from rebal_tui.domain.errors import Halt
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.wire.keys import good_keys
from rebal_tui.store import audit
from tests.api.served_books import Served, with_book
from tests.api.servers import BALANCED, started


@pytest.mark.slow
def test_a_full_disk_is_said_once_and_left_behind_when_it_has_space(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    async def test(served: Served) -> None:
        assert (await served.http.get("/health")).json() == {"status": "ok"}
        assert (await served.http.get("/v1/health")).json()["status"] == "ok"
        await served.thread.ask(evaluation_pass)
        await served.wait(10)
        decided = (await served.http.get("/v1/health")).json()["last_decision"]
        assert decided["outcomes"]
        await served.halt(Halt.DISK_FULL)
        for _ in range(20):
            await served.wait(0.25)
        (logged,) = [record.getMessage() for record in caplog.records]
        assert logged.startswith("the disk is full; writing has stopped")
        for method, path, body in (
            ("GET", "/v1/clock", None), ("POST", "/v1/rebalancing/portfolios", BALANCED), ("GET", "/v1/accounts", None),
        ):  # fmt: skip
            answer = await served.http.request(method, path, json=body)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
            assert "the disk is full" in answer.json()["message"]
        anyone = await served.http.get("/health", auth=httpx.BasicAuth("", ""))
        assert (anyone.status_code, anyone.json()) == (503, {"status": "halted"})
        figures = (await served.http.get("/metrics")).text
        assert "rebal_book_halted 1.0" in figures
        assert "\nrebal_free_bytes " in figures
        assert "\nrebal_needed_free_bytes " in figures
        told = await served.http.get("/v1/health")
        assert (told.status_code, "the disk is full" in told.json()["reason"]) == (503, True)
        assert told.json()["halted_at"] <= told.json()["tried_at"]
        assert told.json()["free_bytes"] > told.json()["needed_free_bytes"] > 0
        assert told.json()["last_decision"] == decided
        await served.wait(RETRY_SECONDS)
        assert (await served.http.get("/v1/health")).json()["status"] == "ok"
        before = served.options.heartbeats.completed
        assert (await served.http.post("/v1/rebalancing/portfolios", json=BALANCED)).status_code == 200
        await served.wait(0.25)
        assert served.options.heartbeats.completed == before + 1
        assert [record.getMessage() for record in caplog.records][1:] == ["the book is written again"]

    with_book(tmp_path / "book.db", test)


@pytest.mark.slow
def test_a_failed_attempt_is_repeated_after_thirty_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []

    async def test(served: Served) -> None:
        async def fail() -> None:
            tries.append(served.seconds)
            raise OSError("still no space")

        await served.halt(Halt.IO_ERROR)
        with monkeypatch.context() as patch:
            patch.setattr(served.thread, "write_again", fail)
            for _ in range(400):
                await served.wait(0.25)
        assert len(tries) == 3
        assert len(caplog.records) == 1
        await served.wait(RETRY_SECONDS)
        assert (await served.http.get("/v1/clock")).status_code == 200

    with_book(tmp_path / "book.db", test)


@pytest.mark.slow
def test_a_failed_attempt_names_the_space_that_there_is_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(served: Served) -> None:
        await served.halt(Halt.DISK_FULL)
        monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=5, total=1_600))
        await served.wait(RETRY_SECONDS)
        told = (await served.http.get("/v1/health")).json()
        assert "5 bytes free, 100 needed" in told["reason"]
        assert (told["free_bytes"], told["needed_free_bytes"]) == (5, 100)
        monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=100, total=1_600))
        await served.wait(RETRY_SECONDS)
        assert (await served.http.get("/v1/health")).json()["status"] == "ok"

    with_book(tmp_path / "book.db", test)


@pytest.mark.slow
def test_a_book_that_another_program_took_over_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "book.db"

    async def test(served: Served) -> None:
        bootstrap.open_database(path).close()
        await served.wait(0.25)
        await served.wait(RETRY_SECONDS + 1)
        assert served.taken_over == [True], "a heartbeat before the server ends does not take the book back"
        assert [record.getMessage()[:36] for record in caplog.records] == ["another rebal-tui took over the book"]
        assert (await served.http.get("/v1/clock")).status_code == 503

    with_book(path, test)


@pytest.mark.slow
def test_a_portfolio_is_not_taken_while_the_book_is_halted_before_a_heartbeat(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        await served.thread.ask(lambda book: book.database.halt(Halt.IO_ERROR))
        answer = await served.http.post("/v1/rebalancing/portfolios", json=BALANCED)
        assert (answer.status_code, "cannot be written" in answer.json()["message"]) == (503, True)
        health = await served.http.get("/health")
        assert (health.status_code, health.json()) == (503, {"status": "halted"})
        assert (await served.http.get("/v1/health")).json()["reason"] == answer.json()["message"]

    with_book(tmp_path / "book.db", test)


@pytest.mark.slow
def test_a_failing_heartbeat_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(served: Served) -> None:
        def broken() -> bool:
            raise RuntimeError("broken on purpose")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rebal_tui.services.schedule.scheduler.tick", lambda *_: broken())
            for _ in range(9):
                await served.wait(0.25)
        assert [record.getMessage() for record in caplog.records] == ["heartbeat: RuntimeError: broken on purpose"]
        assert replace(served.options.heartbeats).failed == 9

    with_book(tmp_path / "book.db", test)


@pytest.mark.slow
def test_a_book_that_another_program_locks_is_not_healthy(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "book.db"

    async def test(served: Served) -> None:
        await served.thread.ask(lambda book: book.database.connection.execute("PRAGMA busy_timeout = 1"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await served.wait(CHECK_SECONDS)
            assert (await served.http.get("/health")).json() == {"status": "failing"}
            told = await served.http.get("/v1/health")
            assert (told.status_code, told.json()["status"], told.json()["reason"]) == (503, "failing", LOCKED)
            await served.wait(1)
            assert (await served.http.get("/health")).status_code == 503, "the next heartbeat looks again"
            assert (await served.http.get("/v1/clock")).status_code == 200, "what can be read is answered"
            other.execute("ROLLBACK")
        await served.wait(1)
        assert (await served.http.get("/health")).json() == {"status": "ok"}
        assert [record.getMessage() for record in caplog.records] == [f"heartbeat: {LOCKED}"]

    with_book(path, test)


@pytest.mark.slow
def test_an_emergency_stop_is_remembered_until_the_book_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "book.db"

    async def test(served: Served) -> None:
        async def stop_and_release() -> tuple[int, int]:
            stop, release = await served.http.post("/v1/kill_switch"), await served.http.delete("/v1/kill_switch")
            return stop.status_code, release.status_code

        await served.halt(Halt.DISK_FULL)
        assert await stop_and_release() == (202, 503)
        assert (await served.http.get("/v1/health")).json()["kill_switch"] is True
        await served.wait(RETRY_SECONDS)
        assert (await served.http.get("/v1/kill_switch")).json() == {"on": True}
        stored = await served.thread.ask(lambda book: audit.entries(book.database, containing="book.halted"))
        assert [entry.actor for entry in stored] == ["api desk"]
        assert await stop_and_release() == (200, 200)

        await served.thread.ask(lambda book: book.database.connection.execute("PRAGMA busy_timeout = 1"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert (await served.http.post("/v1/kill_switch")).status_code == 202
            assert (await served.http.get("/v1/kill_switch")).json() == {"on": True}
            other.execute("ROLLBACK")
        # A release that comes before the next heartbeat settles it.
        assert (await served.http.delete("/v1/kill_switch")).status_code == 200
        released = await served.thread.ask(lambda book: audit.entries(book.database, containing="book.released"))
        assert len(released) == 2, "also of one that was only held at a broker"
        await served.wait(1)
        assert (await served.http.get("/v1/kill_switch")).json() == {"on": False}

    with_book(path, test)


def test_a_server_whose_heartbeats_do_not_end_is_not_healthy() -> None:
    record = HeartbeatRecord(last_at=1_000.0)
    assert record.fault(1_000 + LATE_SECONDS) == ""
    assert record.fault(1_001 + LATE_SECONDS) == "no heartbeat for 61 seconds"


@pytest.mark.slow
def test_the_server_of_a_book_that_was_taken_over_ends_with_code_1(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with started(("serve", "--sandbox", "--db", str(path), "--port", "0", "--json")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        bootstrap.open_database(path).close()
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == 1
    assert complaints == "another rebal-tui took over the book; this one no longer writes to it\n"
    assert not path.with_name("sandbox.db.serve").exists()


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["replaced", "removed with its folder"])
def test_a_server_whose_book_is_gone_ends_with_code_1_and_saves_a_copy(lost: str, tmp_path: Path) -> None:
    path, data = tmp_path / "books" / "sandbox.db", tmp_path / "data" / "rebal-tui"
    path.parent.mkdir()
    data.mkdir(parents=True)
    env = {"XDG_DATA_HOME": str(data.parent), "HOME": str(tmp_path)}
    with started(("serve", "--sandbox", "--db", str(path), "--port", "0", "--json"), env) as process:
        assert process.stdout is not None
        key = json.loads(process.stdout.readline())["key_id"]
        if lost == "replaced":
            other = path.with_name("other.db")
            bootstrap.create_demo(other, accounts=3).close()
            other.rename(path)
        else:
            shutil.rmtree(path.parent)
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "removed, moved or replaced" in complaints
    assert "Traceback" not in complaints
    (copy,) = (path.parent if path.parent.exists() else data).glob("sandbox-saved-*.db")
    assert f"the book was saved to {copy}" in complaints
    database = bootstrap.open_database(copy)
    try:
        assert key in {one.key_id for one in good_keys(database, bootstrap.real_now())}
    finally:
        database.close()
