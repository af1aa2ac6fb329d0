"""The time of one answer of `serve`, against that of a bare FastAPI application in the same run.

Both serve the same JSON from a process of their own, over one connection that stays open; batches of requests
alternate. The bare application has no key, no book, no limits and no scheduler. `serve` should take at most three times
as long.
"""

from __future__ import annotations

import base64
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
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
    header("one answer", "bare FastAPI", "`serve`", "ratio")
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
                bare = stack.enter_context(_bare(json.dumps(server.get(path))))
                ours = stack.enter_context(_connection(urlsplit(server.url).netloc))
                asked = (_asking(bare, "/answer", {}), _asking(ours, path, {"Authorization": f"Basic {token}"}))
                first, second = _alternating(*asked, options.requests, options.rounds)
            row(title, duration(first), duration(second), ratio(second / first))
    return 0


@contextmanager
def _bare(answer: str) -> Iterator[HTTPConnection]:
    process = subprocess.Popen([sys.executable, "-c", _BARE, answer], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline() if process.stdout else "0")
        with _connection(f"127.0.0.1:{port}") as http:
            yield http
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
    first: Callable[[], None], second: Callable[[], None], requests: int, rounds: int
) -> tuple[float, float]:
    """The median seconds of one answer of each, over batches that alternate."""
    taken: tuple[list[float], list[float]] = ([], [])
    for ask in (first, second):
        for _ in range(20):
            ask()
    for _ in range(rounds):
        for ask, seen in zip((first, second), taken, strict=True):
            began = time.perf_counter()
            for _ in range(requests):
                ask()
            seen.append((time.perf_counter() - began) / requests)
    return statistics.median(taken[0]), statistics.median(taken[1])


if __name__ == "__main__":
    sys.exit(main())
