"""The time of one answer of `serve`, against that of a bare FastAPI application in the same run.

Both serve the same JSON from a process of their own, over one connection that stays open; batches of requests
alternate. The bare application has no key, no book, no limits and no scheduler. `serve` should take at most three times
as long. Processor time is that of the server's process: on a busy machine the elapsed time also counts the waits of its
two threads for a processor.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.api.servers import OPEN, running
from tests.benchmarks.report import duration, header, parser, ratio, row

REQUESTS = 100
ROUNDS = 30
_BARE = """
import json, socket, sys
import uvicorn
from fastapi import FastAPI
from starlette.responses import Response

answer = json.loads(sys.argv[1])
app = FastAPI()

@app.get("/answer")
async def get() -> Response:
    return Response(json.dumps(answer), media_type="application/json")

listening = socket.create_server(("127.0.0.1", 0))
listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print(listening.getsockname()[1], flush=True)
server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, http="h11", ws="none", lifespan="off"))
server.run(sockets=[listening])
"""


def main() -> int:
    found = parser("answer_time", __doc__)
    found.add_argument("--requests", type=int, default=REQUESTS, metavar="N", help="requests of a batch")
    found.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    options = found.parse_args()
    header(
        "one answer", "bare FastAPI", "`serve`", "ratio", "processor time: bare FastAPI", "`serve`", "ratio"
    )  # fmt: skip
    with running("--sandbox", "--at", OPEN, "--rate", "10000000") as server:
        server.prices(SPY="400", TLT="100")
        account_id = server.account()
        server.subscribe(account_id, server.portfolio())
        server.step(minutes=15)
        token = base64.b64encode(f"{server.key}:{server.secret}".encode()).decode()
        for title, path in (
            ("the clock", "/v1/clock"),
            ("an asset", "/v1/assets/SPY"),
            ("a trading account", f"/v1/trading/accounts/{account_id}/account"),
            ("positions", f"/v1/trading/accounts/{account_id}/positions"),
            ("portfolios", "/v1/rebalancing/portfolios"),
        ):
            with ExitStack() as stack:
                bare, bare_pid = stack.enter_context(_bare(json.dumps(server.get(path))))
                ours = stack.enter_context(_connection(urlsplit(server.url).netloc))
                asked = (_asking(bare, "/answer", {}), _asking(ours, path, {"Authorization": f"Basic {token}"}))
                pids = (bare_pid, server.process.pid)
                times = _alternating(asked, pids, options.requests, options.rounds)
            elapsed, busy = [one.elapsed for one in times], [one.processor for one in times]
            row(
                title, *map(duration, elapsed), ratio(elapsed[1] / elapsed[0]),
                *map(duration, busy), ratio(busy[1] / busy[0]),
            )  # fmt: skip
    return 0


@dataclass(frozen=True)
class AnswerTime:
    """Seconds of one answer: the median over the batches, and the server's processor time over all of them."""

    elapsed: float
    processor: float


@contextmanager
def _bare(answer: str) -> Iterator[tuple[HTTPConnection, int]]:
    process = subprocess.Popen([sys.executable, "-c", _BARE, answer], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline() if process.stdout else "0")
        with _connection(f"127.0.0.1:{port}") as http:
            yield http, process.pid
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _connection(address: str) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection(address, timeout=30)) as http:
        yield http


def _asking(http: HTTPConnection, path: str, headers: dict[str, str]) -> Callable[[], None]:
    def ask() -> None:
        http.request("GET", path, headers=headers)
        answer = http.getresponse()
        answer.read()
        assert answer.status == 200

    return ask


def _alternating(
    asked: Sequence[Callable[[], None]], pids: Sequence[int], requests: int, rounds: int
) -> list[AnswerTime]:
    """The times of one answer of each server, over batches that alternate."""
    elapsed: list[list[float]] = [[] for _ in asked]
    for ask in asked:
        for _ in range(20):
            ask()
    before = [_processor_seconds(pid) for pid in pids]
    for _ in range(rounds):
        for ask, seen in zip(asked, elapsed, strict=True):
            began = time.perf_counter()
            for _ in range(requests):
                ask()
            seen.append((time.perf_counter() - began) / requests)
    used = [_processor_seconds(pid) - start for pid, start in zip(pids, before, strict=True)]
    return [
        AnswerTime(statistics.median(seen), busy / (requests * rounds))
        for seen, busy in zip(elapsed, used, strict=True)
    ]


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
