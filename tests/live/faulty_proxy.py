"""A faulty proxy: it drops requests and replies, responds for the server, delays and repeats, by a seed."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_WRITES = ("POST", "DELETE")
FAULTS = ("request lost", "reply lost", "429", "504", "504 after it", "500 after it", "garbled", "slow", "twice")
_HOP = {"transfer-encoding", "connection", "content-length", "keep-alive"}


class FaultyProxy:
    """The faults that the proxy injects into calls.

    `chance` is the probability of a fault in a read or a stream, in percent; in a write it is twice as high.
    """

    def __init__(self, upstream: str, seed: int, chance: int) -> None:
        parts = urlsplit(upstream)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.chance = chance
        self.done: Counter[tuple[str, str]] = Counter()
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def fault(self, method: str, path: str) -> str:
        """The fault of a call; event streams are only cut."""
        with self._lock:
            fault = ""
            if "/events/" in path:
                fault = "cut" if self._random.randrange(100) < self.chance else ""
            elif self._random.randrange(100) < self.chance * (2 if method in _WRITES else 1):
                fault = self._random.choice(FAULTS)
            if fault:
                self.done[("write" if method in _WRITES else "read", fault)] += 1
            return fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultyProxy

    def do_GET(self) -> None:
        self._forward()

    def do_POST(self) -> None:
        self._forward()

    def do_DELETE(self) -> None:
        self._forward()

    def log_message(self, format: str, *args: Any) -> None:
        return

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.fault(self.command, self.path)
        self.close_connection = True
        if fault == "request lost":
            return
        if fault in ("429", "504"):
            self._reply(int(fault))
            return
        if fault == "slow":
            time.sleep(0.2)
        try:
            if "/events/" in self.path:
                self._forward_stream(cut=fault == "cut")
                return
            if fault == "twice":
                self._forward_request(body)
            status, headers, content = self._forward_request(body)
        except OSError:
            return
        if fault == "reply lost":
            return
        if fault.endswith("after it"):
            self._reply(int(fault[:3]))
            return
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        sent = content[: len(content) // 2] if fault == "garbled" else content
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def _reply(self, status: int) -> None:
        content = b'{"code": 42910000, "message": "rate limit exceeded"}' if status == 429 else b"upstream"
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _forward_request(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.proxy.host, self.proxy.port, timeout=20)
        try:
            connection.request(self.command, self.path, body or None, self._headers())
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _forward_stream(self, *, cut: bool) -> None:
        connection = http.client.HTTPConnection(self.proxy.host, self.proxy.port, timeout=60)
        try:
            connection.request("GET", self.path, headers=self._headers())
            answer = connection.getresponse()
            self.send_response_only(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type") or "")
            self.send_header("Connection", "close")
            self.end_headers()
            left = 3 if cut else -1
            while left and (part := answer.read1(65_536)):
                self.wfile.write(part)
                self.wfile.flush()
                left -= 1
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name.lower() not in {*_HOP, "host"}}


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        return


@contextmanager
def run_faulty_proxy(upstream: str, seed: int, chance: int) -> Iterator[tuple[str, FaultyProxy]]:
    """The address of a faulty proxy to a server, and the proxy."""
    proxy = FaultyProxy(upstream, seed, chance)
    http_server = _QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http_server.server_address[1]}", proxy
    finally:
        http_server.shutdown()
        http_server.server_close()
        thread.join(5)
