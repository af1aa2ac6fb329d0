"""Keys expire in real time, and all times of a response are of one clock, even if the book's clock is simulated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from rebal_tui.api.access import WINDOW_SECONDS
from rebal_tui.services.simulation.simulator import simulated_clock
from rebal_tui.services.wire.keys import NewKey, add_key, good_keys, revoke_key
from rebal_tui.services.wire.shapes import time_text
from rebal_tui.store import audit, book_settings
from rebal_tui.store.codec import dump, to_time
from rebal_tui.store.database import Database
from rebal_tui.store.migrations import migrate
from rebal_tui.store.schema import MIGRATIONS
from tests.api.served_books import Served, with_book


@pytest.mark.slow
def test_a_key_ends_in_real_time_while_the_books_clock_stands_still_or_jumps(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        async def status() -> int:
            return (await served.http.get("/v1/clock", auth=(made["key"], made["secret"]))).status_code

        now = datetime.fromtimestamp(served.seconds, UTC)
        late = time_text(now + timedelta(minutes=2))
        made = (await served.http.post("/v1/api_keys", json={"name": "short", "expires_at": late})).json()
        assert abs(datetime.fromisoformat(made["created_at"]) - now) < timedelta(seconds=1)
        await served.thread.ask(lambda book: simulated_clock(book).jump(now + timedelta(days=9)))
        await served.heartbeats.run()
        assert await status() == 200
        served.seconds += 119
        assert await status() == 200
        served.seconds += 2
        assert await status() == 401
        for name, end, message in (("over", late, "expires_at: expected a time after"), ("x", now.isoformat(), "")):
            refused = await served.http.post("/v1/api_keys", json={"name": name, "expires_at": end})
            assert (refused.status_code, message in refused.json()["message"]) == (400, True)
        mistyped = await served.http.post("/v1/api_keys", json={"name": "x", "expire_at": late})
        assert "did you mean expires_at?" in mistyped.json()["message"]
        made = (await served.http.post("/v1/api_keys/short/rotate", json={})).json()
        assert (made["expires_at"] > late, await status()) == (True, 200)
        added, *_ = await served.thread.ask(
            lambda book: book.database.rows("SELECT at FROM audit WHERE action = 'api_key.rotated'")
        )
        assert added[0] > to_time(now + timedelta(days=8)), "the audit trail is in the book's time"

    with_book(tmp_path / "book.db", test)


@pytest.mark.slow
def test_one_response_has_one_clock(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        await served.thread.ask(lambda book: simulated_clock(book).jump(book.now() + timedelta(days=9)))
        answer = await served.http.get("/v1/clock")
        date = parsedate_to_datetime(answer.headers["Date"])
        assert abs(date - datetime.fromisoformat(answer.json()["timestamp"])) < timedelta(seconds=120)
        assert 0 < int(answer.headers["X-RateLimit-Reset"]) - date.timestamp() <= WINDOW_SECONDS + 2

    with_book(tmp_path / "book.db", test)


def test_keys_that_had_ended_by_a_clock_that_is_ahead_stay_ended() -> None:
    database, now = Database(), datetime.now(UTC)
    migrate(database, [("book", [one for one in MIGRATIONS if one[0] < "0027"])])
    ahead = now + timedelta(days=60)
    for number, name in enumerate(("revoked", "expired", "valid")):
        expires = {"expired": now + timedelta(days=40), "valid": now + timedelta(days=90)}.get(name)
        add_key(database, name, NewKey(f"K{number}", "S", bytes(16)), now, expires_at=expires)
    revoke_key(database, "revoked", now + timedelta(days=50))
    with database.write() as tx:
        book_settings.put(tx, "clock", dump([to_time(ahead), "1", False]))
        audit.append(tx, ahead, "advisor", "book.halted", "book")
    migrate(database, [("book", MIGRATIONS)])
    at = now + timedelta(seconds=5)
    assert [key.name for key in good_keys(database, at) if key.is_valid(at)] == ["valid"]
