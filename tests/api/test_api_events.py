"""Event streams: content and resumption."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpx
import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.services.wire.events import event_id, seq_of
from tests.api.servers import Json, Server

pytestmark = pytest.mark.slow

PAST = "2026-01-01"


def read(server: Server, stream: str, **params: str) -> list[Json]:
    """The events of a stream up to the current time."""
    end = {} if "until_id" in params else {"until": server.get("/sandbox")["now"]}
    headers = {"Last-Event-ID": params.pop("last")} if "last" in params else {}
    with server.http.stream("GET", f"/{stream}", params={**end, **params}, headers=headers) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        return [event for event in _events(answer.iter_lines()) if event]


def _events(lines: Iterator[str]) -> Iterator[Json]:
    fields: dict[str, str] = {}
    for line in lines:
        if not line and fields:
            data = json.loads(fields["data"])
            assert (data["event_id"], fields["event"]) == (fields["id"], fields["event"])
            yield data
            fields = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


@pytest.fixture(scope="module")
def traded_account(server: Server) -> str:
    """The id of a rebalanced account; a portfolio was also inactivated and reactivated."""
    server.prices(SPY="400", TLT="100")
    account_id, portfolio_id = server.account("1000"), server.portfolio()
    server.subscribe(account_id, portfolio_id)
    server.step(minutes=15)
    server.subscribe(server.account("1000"), portfolio_id)
    server.post("/sandbox/assets/TLT", {"tradable": False})
    server.step(minutes=15)
    server.post("/sandbox/assets/TLT", {"tradable": True})
    server.http.patch(f"/v1/rebalancing/portfolios/{portfolio_id}", json={"status": "active", "name": "Again"})
    server.post("/sandbox/deposits", {"account_id": account_id, "amount": "5"})
    server.post(
        "/v1/journals",
        {"entry_type": "JNLC", "from_account": server.firm, "to_account": account_id, "amount": "5"},
    )
    server.post(f"/sandbox/accounts/{account_id}", {"status": "DISABLED"})
    server.step(minutes=1)
    return account_id


def test_runs_and_portfolios(server: Server, traded_account: str) -> None:
    events = read(server, "v2/events/rebalancer", since=PAST)
    assert [(e["event_type"], (e.get("run") or e.get("portfolio"))["status"]) for e in events] == [
        ("run.created", "QUEUED"),
        ("run.status_changed", "IN_PROGRESS"),
        ("run.status_changed", "COMPLETED_SUCCESS"),
        ("portfolio.status_changed", "needs_adjustment"),
        ("portfolio.status_changed", "active"),
    ]
    assert {event["run"]["account_id"] for event in events[:3]} == {traded_account}
    assert not {"orders", "failed_orders", "skipped_orders"} & set(events[0]["run"])
    now = server.get(f"/v1/rebalancing/portfolios/{events[4]['portfolio']['id']}")
    assert {name: events[4]["portfolio"][name] for name in now} == now
    assert events == sorted(events, key=lambda event: str(event["event_id"]))


def test_a_stream_resumes_after_the_last_event(server: Server, traded_account: str) -> None:
    events = read(server, "v2/events/rebalancer", since=PAST)
    ids = [event["event_id"] for event in events]
    assert read(server, "v2/events/rebalancer", since_id=ids[1], until_id=ids[-1]) == events[2:]
    assert read(server, "v2/events/rebalancer", last=ids[3], until_id=ids[-1]) == events[4:]
    assert read(server, "v2/events/rebalancer", last=ids[3], since_id=ids[0], until_id=ids[-1]) == events[4:]
    assert read(server, "v2/events/rebalancer", since=PAST, until_id=events[2]["event_id"]) == events[:3]
    assert read(server, "v2/events/rebalancer", since=events[3]["at"]) == events[3:]


def test_a_stream_without_a_start_has_no_history(server: Server, traded_account: str) -> None:
    last = read(server, "v2/events/rebalancer", since=PAST)[-1]["event_id"]
    assert read(server, "v2/events/rebalancer", until_id=last) == []
    refused = server.http.get("/v2/events/rebalancer", params={"until": "2026-03-03"})
    assert (refused.status_code, refused.json()["message"]) == (400, "until: expected only with since")


def test_events_during_a_stream_are_delivered(server: Server, traded_account: str) -> None:
    with server.http.stream("GET", "/v2/events/rebalancer") as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": begin"
        body = {"account_id": server.account("50"), "type": "full_rebalance"}
        weights = [{"type": "asset", "symbol": "SPY", "percent": "100"}]
        run = server.post("/v1/rebalancing/runs", {**body, "weights": weights})
        first = next(_events(lines))
    assert (first["event_type"], first["run"]["id"]) == ("run.created", run["id"])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_orders_and_their_fills(server: Server, traded_account: str, version: str) -> None:
    events = [e for e in read(server, f"{version}/events/trades", since=PAST) if e["account_id"] == traded_account]
    assert [(e["order"]["symbol"], e["event"]) for e in events] == [
        ("SPY", "new"), ("SPY", "fill"), ("TLT", "new"), ("TLT", "fill"),
    ]  # fmt: skip
    fill = events[1]
    assert (fill["qty"], fill["price"], fill["order"]["filled_qty"]) == ("1.5", "400", "1.5")
    assert len({e["execution_id"] for e in events if "execution_id" in e}) == 2


def test_journals_cash_and_accounts(server: Server, traded_account: str) -> None:
    journals = read(server, "v2/events/journals/status", since=PAST)
    assert [e["status_to"] for e in journals] == ["queued", "sent_to_clearing", "executed"]
    cash = [e for e in read(server, "v1/events/nta", since=PAST) if e["account_id"] == traded_account]
    assert [(e["entry_type"], e["net_amount"]) for e in cash] == [("CSD", "5.00"), ("JNLC", "5.00")]
    accounts = [e for e in read(server, "v1/events/accounts/status", since=PAST) if e["account_id"] == traded_account]
    assert accounts[-1]["status_to"] == "DISABLED"


def test_the_events_of_one_read_are_one_write(server: Server, traded_account: str) -> None:
    """Each write to a connection that the client has just closed would be a line on stderr."""
    at = urlsplit(server.url)
    token = base64.b64encode(f"{server.key}:{server.secret}".encode()).decode()
    path = f"/v2/events/trades?since={PAST}&until={quote(server.get('/sandbox')['now'])}"
    head = f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Basic {token}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((at.hostname, at.port)) as one:
        one.sendall(head.encode())
        answer = b"".join(iter(lambda: one.recv(65_536), b""))
    chunks, rest = [], answer.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        chunks.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    assert [chunk.count(b"event: ") > 1 for chunk in chunks] == [False, True, False]


def test_an_event_id_keeps_its_timestamp_and_its_number() -> None:
    at = datetime(2026, 3, 2, 15, 0, 0, 123456, tzinfo=UTC)
    identity = event_id(at, 42)
    assert len(identity) == 26
    assert seq_of(identity) == seq_of(identity.lower()) == 42
    assert event_id(at, 41) < identity < event_id(at.replace(second=1), 1)
    with pytest.raises(Invalid, match="since_id"):
        seq_of("U" * 26)


def test_activities_have_a_stable_reference_and_contain_the_executions(server: Server, traded_account: str) -> None:
    found = [e for e in read(server, "v2beta1/events/activities", since=PAST) if e["account_id"] == traded_account]
    assert [(e["activity_type"], e["net_amount"], e["status"]) for e in found] == [
        ("TRD", "-600.00", "executed"), ("TRD", "-350.00", "executed"), ("CSD", "5.00", "executed"),
        ("JNLC", "5.00", "executed"),
    ]  # fmt: skip
    again = [e for e in read(server, "v2beta1/events/activities", since=PAST) if e["account_id"] == traded_account]
    assert [e["ref_id"] for e in again] == [e["ref_id"] for e in found]
    assert len({e["ref_id"] for e in found}) == 4
    fills = [e for e in read(server, "v2/events/trades", since=PAST) if e["event"] == "fill"]
    assert {e["ref_id"] for e in found[:2]} <= {e["execution_id"] for e in fills}
    assert found[0]["details"]["symbol"] == "SPY"


def test_a_corporate_action_is_one_event_for_all_accounts(server: Server, traded_account: str) -> None:
    server.post("/sandbox/corporate-actions", {"kind": "split", "symbol": "SPY", "ratio": "2:1"})
    events = read(server, "v1beta1/events/corporate-actions", since=PAST)
    assert [(e["event_type"], e["ca"]["symbol"], e["ca"]["new_rate"], e["ca"]["old_rate"]) for e in events] == [
        ("forward_split_corporateaction_event", "SPY", "2", "1")
    ]
    assert traded_account


def test_every_response_is_dated_by_the_books_clock(server: Server) -> None:
    answer = server.http.get("/v1/clock")
    assert parsedate_to_datetime(answer.headers["Date"]) == datetime.fromisoformat(answer.json()["timestamp"]).replace(
        microsecond=0
    )
    assert "Date" in httpx.get(f"{server.url}/v1/clock").headers
