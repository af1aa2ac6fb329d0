"""The proxy: an httpx transport between the live adapter and the sandbox in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from rebal_tui.broker.alpaca.client import SANDBOX_HEADERS
from tests.proxy.calls import Call, CallLog
from tests.proxy.clock import WorldClock
from tests.proxy.faults import RETRY_AFTER, Fault, Faults, response_to
from tests.proxy.rewrites import Rewrite, date_header
from tests.proxy.sandbox import Sandbox
from tests.proxy.streams import Delivered, OpenStream

HEARTBEAT = timedelta(seconds=15)
LIMIT = 200
"""Requests a minute that the broker allows."""


class Watcher(Protocol):
    """What sees every write that reaches the sandbox, on the thread that sends it."""

    def before(self, call: Call) -> None: ...
    def after(self, call: Call, response: httpx.Response) -> None: ...


class Proxy(httpx.BaseTransport):
    """Forwards requests, injects faults, and rewrites responses and events. Used from any thread."""

    def __init__(self, sandbox: Sandbox, clock: WorldClock, faults: Faults) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self.faults = faults
        self.rewrites: list[Rewrite] = []
        self.calls = CallLog()
        self.watchers: list[Watcher] = []
        self._streams: list[OpenStream] = []
        self._late: list[tuple[str, Delivered]] = []
        self._read_to: dict[str, str] = {}
        self._delivered: dict[str, int] = {}
        self._heartbeat_at = clock.true
        self._auth: dict[str, str] = {}
        self._window: tuple[datetime, int] = (clock.true, 0)
        self._lock = threading.RLock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = self._call(request)
        self.calls.add(call)
        if "/events/" in call.path:
            return self._stream(call, request)
        response = self._respond(call, request)
        response.headers["Date"] = date_header(self._date())
        return response

    def deliver(self) -> None:
        """Deliver the events that the open streams lack, and wait until they are read."""
        last = self._sandbox.last_event()
        heartbeat = self._clock.true - self._heartbeat_at >= HEARTBEAT
        for path in sorted({stream.path for stream in self._open()}):
            if self._delivered.get(path) != last or self._late:
                self._deliver(path)
                self._delivered[path] = last
            elif heartbeat:
                self._push(path, [])
        if heartbeat:
            self._heartbeat_at = self._clock.true

    def inject(self, path: str, event: Delivered) -> None:
        """Deliver an event that the sandbox does not have."""
        self._push(path, [event])

    def cut_streams(self) -> None:
        """Cut every open stream; the program reconnects on its own."""
        for stream in self._open():
            stream.close()

    def close(self) -> None:
        self.cut_streams()

    def _call(self, request: httpx.Request) -> Call:
        body = json.loads(request.content) if request.method == "POST" and request.content else {}
        key = str(request.headers.get("Idempotency-Key") or body.get("client_order_id") or "")
        self._auth = {"authorization": request.headers["Authorization"], **SANDBOX_HEADERS}
        return Call(
            request.method, request.url.path, dict(request.url.params), body, key, self._clock.true,
            threading.current_thread().name,
        )  # fmt: skip

    def _respond(self, call: Call, request: httpx.Request) -> httpx.Response:
        limits = {} if call.is_data else self._count(call.at)
        if limits.get("X-RateLimit-Remaining") == "-1":
            call.outcome = "budget exceeded"
            headers = limits | {"X-RateLimit-Remaining": "0", "Retry-After": str(RETRY_AFTER)}
            return httpx.Response(429, json={"code": 42910000, "message": "rate limit exceeded"}, headers=headers)
        fault = self.faults.draw(write=call.is_write)
        if fault in (Fault.LOST_BEFORE, Fault.ERROR_BEFORE, Fault.TOO_MANY):
            call.outcome = fault.value
            return response_to(fault, request)
        for rewrite in self.rewrites:
            given = rewrite.answer(call)
            if given is not None:
                call.outcome = str(given.status_code)
                return given
        response = self._forward(call, request.headers)
        call.outcome = fault.value or str(response.status_code)
        if fault:
            return response_to(fault, request)
        response.headers.update(limits)
        return response

    def _forward(self, call: Call, headers: Mapping[str, str]) -> httpx.Response:
        call.reached = True
        sent = replace(call, query=dict(call.query), body=dict(call.body))
        for rewrite in reversed(self.rewrites):
            rewrite.request(sent)
        if call.is_write:
            for watcher in self.watchers:
                watcher.before(sent)
        passed = ("content-type", "authorization", "idempotency-key", "rebal-extensions")
        kept = {name: headers[name] for name in passed if name in headers}
        content = json.dumps(sent.body).encode() if sent.body else b""
        response = self._sandbox.request(sent.method, sent.path, sent.query, content, kept)
        if call.is_write:
            for watcher in self.watchers:
                watcher.after(sent, response)
        if not response.is_success or not response.content:
            return httpx.Response(response.status_code, content=response.content)
        data = json.loads(response.content)
        for rewrite in self.rewrites:
            data = rewrite.response(call, data)
        return httpx.Response(response.status_code, json=data)

    def _count(self, at: datetime) -> dict[str, str]:
        """Count a request in the broker's window of a minute; remaining is -1 when the limit is exceeded."""
        with self._lock:
            began, used = self._window
            if (at - began).total_seconds() >= 60:
                began, used = at, 0
            self._window = (began, used + 1)
            return {
                "X-RateLimit-Limit": str(LIMIT),
                "X-RateLimit-Remaining": str(max(-1, LIMIT - used - 1)),
                "X-RateLimit-Reset": str(int(began.timestamp()) + 61),
            }

    def _date(self) -> datetime:
        at = self._clock.true
        for rewrite in self.rewrites:
            at = rewrite.date(at)
        return at

    def _stream(self, call: Call, request: httpx.Request) -> httpx.Response:
        for rewrite in self.rewrites:
            given = rewrite.answer(call)
            if given is not None:
                call.outcome = str(given.status_code)
                return given
        call.outcome = "200"
        if "until" in call.query:
            return httpx.Response(200, content=self._past(call), headers={"content-type": "text/event-stream"})
        stream = OpenStream(call.path, call.query)
        with self._lock:
            self._read_to.pop(call.path, None)
            self._delivered.pop(call.path, None)
            self._streams.append(stream)
        headers = {"content-type": "text/event-stream", "Date": date_header(self._date())}
        return httpx.Response(200, headers=headers, stream=stream)

    def _past(self, call: Call) -> bytes:
        """The events of a stream that ends at once."""
        found = self._sandbox.events(call.path, self._auth, {"since": call.query["since"]})
        ready, _ = self._rewritten(call.path, [Delivered(one.id, one.kind, one.data) for one in found])
        return b"".join(event.encoded() for event in ready)

    def _open(self) -> list[OpenStream]:
        with self._lock:
            self._streams = [stream for stream in self._streams if not stream.closed]
            return list(self._streams)

    def _deliver(self, path: str) -> None:
        last = self._read_to.get(path)
        asked = [stream for stream in self._open() if stream.path == path][-1].start
        start: dict[str, str] = {"since_id": last} if last else {"since": asked["since"]}
        fresh = self._sandbox.events(path, self._auth, start)
        if fresh:
            self._read_to[path] = fresh[-1].id
        waiting = [event for at, event in self._late if at == path]
        ready, late = self._rewritten(path, [*waiting, *(Delivered(one.id, one.kind, one.data) for one in fresh)])
        self._late = [*(one for one in self._late if one[0] != path), *((path, event) for event in late)]
        self._push(path, ready)

    def _push(self, path: str, ready: list[Delivered]) -> None:
        for stream in self._open():
            if stream.path == path:
                stream.push(ready)

    def _rewritten(self, path: str, events: list[Delivered]) -> tuple[list[Delivered], list[Delivered]]:
        """The events to deliver, rewritten, and those that are held back."""
        ready: list[Delivered] = []
        late: list[Delivered] = []
        for event in events:
            if any(rewrite.holds_back(path, event) for rewrite in self.rewrites):
                late.append(event)
                continue
            for rewrite in self.rewrites:
                event = rewrite.event(path, event)
            ready.append(event)
        return ready, late
