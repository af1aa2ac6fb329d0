"""Requests per second on loopback while the scheduler runs, by clients that read and write.

The server runs a demonstration book in accelerated time. No request may fail.
"""

from __future__ import annotations

import base64
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from rebal_tui import bootstrap
from tests.api.servers import BALANCED, started
from tests.benchmarks.report import duration, header, parser, row

ACCOUNTS = 200
SECONDS = 10
CLIENTS = 8


def main() -> int:
    found = parser("api_load", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    found.add_argument("--seconds", type=int, default=SECONDS, metavar="N")
    found.add_argument("--clients", type=int, default=CLIENTS, metavar="N")
    options = found.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.db"
        bootstrap.create_demo(path, accounts=options.accounts).close()
        made = subprocess.run(
            [sys.executable, "-m", "rebal_tui", "keys", "add", "load", "--db", str(path), "--json"],
            capture_output=True,
            check=True,
        )
        key = json.loads(made.stdout)
        with started(("serve", "--db", str(path), "--port", "0", "--json", "--rate", "10000000")) as process:
            url = json.loads(process.stdout.readline() if process.stdout else "")["url"]
            code = _load(url, (key["key"], key["secret"]), options.seconds, options.clients)
            process.terminate()
            process.wait(30)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        row("processor time of the server, with its start", duration(used.ru_utime + used.ru_stime))
        return code


def _load(url: str, auth: tuple[str, str], seconds: int, clients: int) -> int:
    statuses: Counter[int] = Counter()
    durations: list[float] = []
    lock, end = threading.Lock(), time.monotonic() + seconds
    with httpx.Client(base_url=url, auth=auth) as http:
        account_ids = [account["id"] for account in http.get("/v1/accounts").json()]
        started_at = http.get("/v1/clock").json()["timestamp"]

    basic = base64.b64encode(":".join(auth).encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}

    def ask(number: int) -> None:
        mine: list[tuple[int, float]] = []
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=30)) as http:
            while time.monotonic() < end:
                account_id = account_ids[(number + len(mine) * clients) % len(account_ids)]
                for method, path, body in (
                    ("GET", "/v1/clock", None),
                    ("GET", f"/v1/trading/accounts/{account_id}/account", None),
                    ("GET", f"/v1/trading/accounts/{account_id}/positions", None),
                    ("GET", f"/v1/rebalancing/runs?account_id={account_id}&limit=5", None),
                    ("GET", "/v1/rebalancing/portfolios", None),
                    ("GET", f"/v1/rebalancing/subscriptions?account_id={account_id}", None),
                    ("GET", "/v1/assets/SPY", None),
                    ("GET", f"/v1/accounts/{account_id}", None),
                    ("GET", "/v1/rebalancing/runs?limit=5&status=COMPLETED_SUCCESS", None),
                    ("POST", "/v1/rebalancing/portfolios", BALANCED if len(mine) % 100 < 10 else None),
                ):
                    if method == "POST" and body is None:
                        continue
                    started_at = time.perf_counter()
                    http.request(method, path, json.dumps(body) if body else None, headers)
                    answer = http.getresponse()
                    answer.read()
                    mine.append((answer.status, time.perf_counter() - started_at))
        with lock:
            statuses.update(status for status, _ in mine)
            durations.extend(elapsed for _, elapsed in mine)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with httpx.Client(base_url=url, auth=auth) as http:
        now = http.get("/v1/clock").json()["timestamp"]
        ran = len(http.get("/v1/rebalancing/runs?limit=1000").json()["runs"])
    cuts = statistics.quantiles(durations, n=100)
    header(f"{clients} clients for {seconds} s, {len(account_ids):,} accounts", "figure")
    row("requests per second", f"{len(durations) / seconds:,.0f}")
    row("median", duration(cuts[49]))
    row("99 % within", duration(cuts[98]))
    row("statuses", ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items())))
    row("simulated time", f"{started_at} to {now}")
    row("runs", f"{ran:,}")
    return 0 if set(statuses) == {200} else 1


if __name__ == "__main__":
    sys.exit(main())
