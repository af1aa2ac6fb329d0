"""Requests of ambiguous framing or without a valid Host, over a connection, by RFC 9112."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rebal_tui.api.browser_safety import LOOPBACK_NAMES, BrowserSafety
from rebal_tui.api.connections import MAX_HEAD_BYTES, ConnectionLimits, MalformedResponse, limited_protocol
from rebal_tui.api.request_rules import RequestRules
from rebal_tui.api.strict_http import MAX_SMALL_CHUNKS

CHUNKED = b"Transfer-Encoding: chunked\r\n"
KEYS = b"Authorization: Basic eDp5\r\n"
MANY_CHUNKS = b"\r\n" + b"1\r\nx\r\n" * (MAX_SMALL_CHUNKS + 1)
BODY = b"\r\n2\r\n{}\r\n0\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def ok(scope: Scope, receive: Receive, send: Send) -> None:
    while scope["method"] == "POST" and (await receive()).get("more_body"):
        continue
    await PlainTextResponse(scope["path"])(scope, receive, send)


async def method(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["method"])(scope, receive, send)


def answer(sent: bytes, app: ASGIApp, malformed: MalformedResponse | None = None) -> bytes:
    """All that a server sends before it ends the connection, or is silent for a fifth of a second."""

    async def run() -> bytes:
        protocol = limited_protocol(ConnectionLimits(8), malformed)
        config = uvicorn.Config(
            app, port=0, log_config=None, lifespan="off", http=protocol, h11_max_incomplete_event_size=MAX_HEAD_BYTES
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
        writer.write(sent)
        got = b""
        try:
            while more := await asyncio.wait_for(reader.read(65_536), 0.2 if got else 5):
                got += more
        except TimeoutError:
            got += b"(open)"
        except ConnectionError:
            got += b"(reset)"
        writer.close()
        server.should_exit = True
        await serving
        return got

    return asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n" + CHUNKED, b"either Content-Length or"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n" + CHUNKED + b"Content-Length: 99\r\n", b"either Content-Length or"),
        (b"POST / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n" + CHUNKED, b"HTTP/1.0 has no"),
        (b"POST / HTTP/1.1\r\nHost: local host\r\n" + CHUNKED, b"is not a host"),
        (b"POST / HTTP/1.1\r\nHost: localhost/x\r\n" + CHUNKED, b"is not a host"),
        (b"POST / HTTP/1.1\r\nHost: user@localhost\r\n" + CHUNKED, b"is not a host"),
        (b"POST / HTTP/1.1\r\n" + CHUNKED, b"malformed request"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n" + CHUNKED, b"malformed request"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n" + CHUNKED, b"malformed request"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n" + KEYS + KEYS + CHUNKED, b"at most one Authorization header"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n" + CHUNKED + MANY_CHUNKS, b"malformed request"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n", b"larger than 1048576 bytes"),
    ],
)
def test_what_a_proxy_may_read_differently_is_refused_and_its_connection_closed(head: bytes, reason: bytes) -> None:
    got = answer(head + BODY + SMUGGLED, RequestRules(ok))
    assert got.startswith((b"HTTP/1.1 400 Bad Request\r\n", b"HTTP/1.1 413 "))
    assert reason in got
    assert got.count(b"HTTP/1.1 ") == 1, "what follows is not answered"
    assert not got.endswith(b"(open)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health HTTP/1.0\r\n", b"200 OK"),
        (b"GET /health HTTP/1.0\r\nHost: localhost\r\n", b"200 OK"),
        (b"GET /health HTTP/1.0\r\nHost: rebind.example\r\n", b"400 Bad Request"),
        (b"GET /health HTTP/1.1\r\nHost: [::1]:8090\r\n", b"200 OK"),
        (b"GET /health HTTP/1.1\r\nHost: \r\n", b"400 Bad Request"),
        (b"GET /health HTTP/1.1\r\n", b"400 Bad Request"),
    ],
)
def test_only_http_1_0_may_leave_out_the_host(head: bytes, status: bytes) -> None:
    assert answer(head + b"\r\n", BrowserSafety(RequestRules(ok), LOOPBACK_NAMES)).split(b"\r\n")[0][9:] == status


@pytest.mark.slow
def test_another_version_is_refused() -> None:
    got = answer(b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", RequestRules(ok))
    assert got.startswith(b"HTTP/1.1 505 HTTP Version Not Supported\r\n")


@pytest.mark.slow
def test_head_is_answered_like_get_without_a_body_but_opens_no_stream() -> None:
    got = answer(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n", RequestRules(method))
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 3\r\n" in got
    assert got.endswith(b"\r\n\r\n(open)")
    got = answer(b"HEAD /v2/events/rebalancer HTTP/1.1\r\nHost: localhost\r\n\r\n", RequestRules(method))
    assert b"content-length: 4\r\n" in got


@pytest.mark.slow
def test_an_upgrade_is_ignored_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    assert answer(head, RequestRules(ok)).startswith(b"HTTP/1.1 200 OK")
    assert caplog.records == []


@pytest.mark.slow
@pytest.mark.parametrize(("size", "accepted"), [(60_000, True), (100_000, False)])
def test_headers_beyond_the_limit_are_refused_though_they_arrive_at_once(size: int, accepted: bool) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * size + b"\r\n\r\n"
    assert answer(head, RequestRules(ok)).startswith(b"HTTP/1.1 200 OK") is accepted


@pytest.mark.slow
def test_a_body_that_continues_a_line_is_no_folded_header() -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"
    assert answer(head + b"\n x", RequestRules(ok)).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.slow
def test_what_is_no_http_is_answered_in_the_shape_of_every_error() -> None:
    malformed = MalformedResponse(b"{}", lambda: [(b"x-frame-options", b"DENY")])
    got = answer(b"nonsense\r\n\r\n", RequestRules(ok), malformed)
    assert b"x-frame-options: DENY\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}" in got
    assert not got.endswith((b"(open)", b"(reset)"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://localhost:80/v1/clock", b"/v1/clock  localhost:80"),
        ("HTTPS://localhost/v1/assets?status=active", b"/v1/assets status=active localhost"),
        ("http://localhost?a=b", b"/ a=b localhost"),
        ("http://evil.example/v1/clock", b"names another machine"),
        ("http://user@localhost/v1/clock", b"names another machine"),
        ("http:///v1/clock", b"http:///v1/clock  localhost:1"),
        ("/http://evil.example/", b"/http://evil.example/  localhost:1"),
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_request_for_a_url_is_one_for_its_path_at_its_host(target: str, expected: bytes, version: str) -> None:
    async def show(scope: Scope, receive: Receive, send: Send) -> None:
        host = b",".join(value for name, value in scope["headers"] if name == b"host")
        text = b" ".join((scope["path"].encode(), scope["query_string"], host))
        await PlainTextResponse(text)(scope, receive, send)

    sent = f"GET {target} HTTP/{version}\r\nConnection: close\r\nHost: localhost:1\r\n\r\n"
    _, _, body = answer(sent.encode(), BrowserSafety(RequestRules(show), {"localhost"})).partition(b"\r\n\r\n")
    assert expected in body
