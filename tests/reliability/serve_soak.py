"""`serve` under many clients that come and go, for a while.

`python -m tests.reliability.serve_soak --minutes 30 --clients 200` prints memory, open files and response times each
minute. It fails on an answer other than 200, a lost connection, a line on stderr, and when memory grows by more than
10 % after the first fifth. The book is a demonstration whose time is accelerated. The rate of requests is bounded: a
server that is short of processor time would only show that.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from rebal_tui import bootstrap
from rebal_tui.domain.api_keys import KeyScope
from rebal_tui.services.wire.keys import add_key
from tests.api.servers import BALANCED

ACCOUNTS = 100
STREAMS_OF_TEN = 1
"""How many of ten clients read an event stream instead of asking."""
MEMORY_MAX_GROWTH = 0.10
MAX_IDLE_SECONDS = 3.0
_STREAM_SECONDS = 20.0
MAX_SHOWN = 2_000
"""Characters shown of what the server wrote to stderr."""


@dataclass
class Tally:
    """What happened since the last report and in all."""

    durations: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    connections: int = 0


class Client:
    """Opens connections one after the other; each carries a few requests, or one event stream."""

    def __init__(self, url: str, token: str, tally: Tally, seed: int, pause: float) -> None:
        at = urlsplit(url)
        self._host, self._port = at.hostname or "", at.port or 0
        self._head = f"Host: {at.netloc}\r\nAuthorization: Basic {token}\r\n"
        self._tally = tally
        self._random = random.Random(seed)
        self._pause = pause
        self._streams = seed % 10 < STREAMS_OF_TEN

    async def run(self, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(self._random.uniform(0, self._pause))
            try:
                reader, writer = await asyncio.open_connection(self._host, self._port)
            except OSError as error:
                self._tally.statuses[f"no connection: {error.strerror}"] += 1
                continue
            self._tally.connections += 1
            try:
                await (self._stream(reader, writer) if self._streams else self._requests(reader, writer, until))
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self._tally.statuses[type(error).__name__] += 1
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: float) -> None:
        for _ in range(self._random.randint(1, 12)):
            if time.monotonic() >= until:
                return
            path, body = self._random.choice(
                [
                    ("/v1/clock", None), ("/v1/accounts/positions", None), ("/v1/rebalancing/runs?limit=5", None),
                    ("/v1/rebalancing/subscriptions?limit=10", None), ("/v1/assets/SPY", None), ("/v1/health", None),
                    ("/v1/accounts?query=a", None), ("/v1/accounts/activities?page_size=10", None),
                    ("/v1/rebalancing/portfolios", BALANCED if self._random.random() < 0.02 else None),
                ]
            )  # fmt: skip
            began = time.perf_counter()
            await self._send(writer, path, body)
            async with asyncio.timeout(60):
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
            self._tally.durations.append(time.perf_counter() - began)
            self._tally.statuses[head[9:12].decode()] += 1
            # The server closes a connection that is idle for longer, as its client has to expect.
            await asyncio.sleep(self._random.uniform(0, min(self._pause, MAX_IDLE_SECONDS)))

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._send(writer, "/v2/events/rebalancer", None)
        async with asyncio.timeout(60):
            head = await reader.readuntil(b"\r\n\r\n")
        self._tally.statuses[f"stream {head[9:12].decode()}"] += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(self._random.uniform(0, _STREAM_SECONDS)):
                while await reader.read(65_536):
                    pass

    async def _send(self, writer: asyncio.StreamWriter, path: str, body: object) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(content)}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + content)
        await writer.drain()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def load(url: str, token: str, pid: int, errors: Path, minutes: float, clients: int, pause: float) -> int:
    """Run the clients; report each minute, with what the server wrote into `errors`. Returns the number of faults."""
    tally, memory, files, all_durations, said = Tally(), list[int](), list[int](), list[float](), 0
    began = time.monotonic()
    until = began + minutes * 60
    running = [asyncio.create_task(Client(url, token, tally, number, pause).run(until)) for number in range(clients)]
    while time.monotonic() < until:
        await asyncio.sleep(min(60.0, max(0.1, until - time.monotonic())))
        memory.append(_memory(pid))
        files.append(len(os.listdir(f"/proc/{pid}/fd")))
        seen, tally.durations = tally.durations, []
        all_durations += seen
        cuts = statistics.quantiles(seen, n=100) if len(seen) > 1 else [0.0] * 99
        print(
            f"{(time.monotonic() - began) / 60:5.1f} min: {memory[-1] / 2**20:6.1f} MB, {files[-1]} files, "
            f"{len(seen):,} answers, median {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.0f} ms",
            flush=True,
        )
        complaints = errors.read_text()
        if len(complaints) > said:
            print(complaints[said:][:MAX_SHOWN], flush=True)
            said = len(complaints)
    await asyncio.gather(*running)
    cuts = statistics.quantiles(all_durations, n=1000)
    print(
        f"{len(all_durations):,} answers on {tally.connections:,} connections: median {cuts[499] * 1000:.1f} ms, "
        f"p99 {cuts[989] * 1000:.0f} ms, slowest {max(all_durations) * 1000:.0f} ms"
    )
    print(", ".join(f"{status}: {count:,}" for status, count in sorted(tally.statuses.items())))
    faults = sum(count for status, count in tally.statuses.items() if status not in ("200", "stream 200"))
    early = memory[len(memory) // 5]
    if memory[-1] > early * (1 + MEMORY_MAX_GROWTH):
        print(f"memory grew from {early / 2**20:.1f} to {memory[-1] / 2**20:.1f} MB")
        faults += 1
    return faults


def _memory(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def main() -> int:
    found = argparse.ArgumentParser(prog="python -m tests.reliability.serve_soak", description=__doc__)
    found.add_argument("--minutes", type=float, default=30, metavar="N")
    found.add_argument("--clients", type=int, default=200, metavar="N")
    found.add_argument("--pause", type=float, default=4.0, metavar="S", help="longest pause of a client, in seconds")
    options = found.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.db"
        bootstrap.create_demo(path, accounts=ACCOUNTS).close()
        key, database = bootstrap.new_api_key(), bootstrap.open_database(path)
        add_key(database, "soak", key, bootstrap.real_now(), scope=KeyScope.TRADE)
        database.close()
        serve = [sys.executable, "-m", "rebal_tui", "serve", "--db", str(path), "--port", "0", "--json"]
        errors = Path(folder) / "stderr.txt"
        with ExitStack() as stack:
            file = stack.enter_context(errors.open("w"))
            process = stack.enter_context(
                subprocess.Popen([*serve, "--rate", "10000000"], stdout=subprocess.PIPE, stderr=file, text=True)
            )
            stack.callback(process.kill)
            url = json.loads(process.stdout.readline() if process.stdout else "")["url"]
            token = base64.b64encode(f"{key.key_id}:{key.secret}".encode()).decode()
            faults = asyncio.run(load(url, token, process.pid, errors, options.minutes, options.clients, options.pause))
            process.terminate()
            process.wait(60)
        complaints = errors.read_text()
        print(f"exit code {process.returncode}, {len(complaints):,} characters on stderr\n{complaints[:MAX_SHOWN]}")
        return 0 if (faults, process.returncode, complaints) == (0, 0, "") else 1


if __name__ == "__main__":
    sys.exit(main())
