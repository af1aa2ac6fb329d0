"""Idle and half-sent connections without a key, far beyond the limit of open files: the server keeps answering.

`IDLE_CONNECTIONS` is how many are tried, by default 400; 2,000 is the size that is promised.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.servers import OPEN

pytestmark = pytest.mark.slow

CONNECTIONS = int(os.environ.get("IDLE_CONNECTIONS", "400"))
OPEN_FILES = 128
WRITES = 8
MAX_LOG_BYTES = 1_000_000
STARTS = (b"", b"G", b"GET /v1/clock HTTP/1.1\r\n", b"POST /v1/journals HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n{")


@contextmanager
def many_files() -> Iterator[None]:
    """Let this process open as many files as the connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 512
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_idle_connections_delay_neither_heartbeats_nor_the_right_key(tmp_path: Path) -> None:
    log = tmp_path / "stderr.txt"
    serve = (
        f"ulimit -n {OPEN_FILES}; exec '{sys.executable}' -m rebal_tui serve --sandbox --at '{OPEN}' --port 0 --json"
    )
    with ExitStack() as stack:
        stack.enter_context(many_files())
        errors = stack.enter_context(log.open("wb"))
        process = stack.enter_context(subprocess.Popen(["sh", "-c", serve], stdout=subprocess.PIPE, stderr=errors))
        stack.callback(process.kill)
        announced = json.loads(process.stdout.readline() if process.stdout else b"")
        at, auth = urlsplit(announced["url"]), (announced["key_id"], announced["secret"])
        before = heartbeats(announced["url"], auth)
        began = time.monotonic()
        for number in range(CONNECTIONS):
            one = stack.enter_context(socket.socket())
            one.settimeout(5)
            one.connect((at.hostname, at.port))
            one.send(STARTS[number % len(STARTS)])
            if number % 100 == 99:
                assert httpx.get(f"{announced['url']}/v1/clock", auth=auth, timeout=20).status_code == 200
        for number in range(WRITES):
            body = {"name": f"Client {number}", "cash": "10"}
            made = httpx.post(f"{announced['url']}/sandbox/accounts", json=body, auth=auth, timeout=20)
            assert made.status_code == 200
            time.sleep(0.1)
        elapsed = time.monotonic() - began
        beats = heartbeats(announced["url"], auth) - before
        process.terminate()
        assert process.wait(30) == 0
    # Four a second; a quarter of them is enough on a machine that does other work.
    assert beats >= elapsed, (beats, elapsed)
    assert log.stat().st_size < MAX_LOG_BYTES
    assert b"Traceback" not in log.read_bytes()


def heartbeats(url: str, auth: tuple[str, str]) -> float:
    text = httpx.get(f"{url}/metrics", auth=auth, timeout=20).text
    return float(text.partition("\nrebal_heartbeats_total ")[2].split()[0])
