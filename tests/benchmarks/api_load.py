"""Requests per second on loopback while the scheduler runs: `python -m tests.benchmarks.api_load [SECONDS] [CLIENTS]`.

The server runs a demonstration book of 200 accounts in accelerated time; clients read and write. No request may fail.
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

ACCOUNTS = 200


def main() -> int:
    seconds, clients = (int(text) for text in (sys.argv[1:] + ["10", "8"][len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.db"
        bootstrap.create_demo(path, accounts=ACCOUNTS).close()
        made = subprocess.run(
            [sys.executable, "-m", "rebal_tui", "keys", "add", "load", "--db", str(path), "--json"],
            capture_output=True,
            check=True,
        )
        key = json.loads(made.stdout)
        with started(("serve", "--db", str(path), "--port", "0", "--json", "--rate", "10000000")) as process:
            url = json.loads(process.stdout.readline() if process.stdout else "")["url"]
            code = _load(url, (key["key"], key["secret"]), seconds, clients)
            process.terminate()
            process.wait(30)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"the server used {used.ru_utime + used.ru_stime:.1f} s of processor time, its start included")
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
    print(f"{len(durations) / seconds:,.0f} requests a second by {clients} clients over {seconds} s: {dict(statuses)}")
    print(
        f"median {cuts[49] * 1000:.1f} ms, 99th {cuts[98] * 1000:.1f} ms; meanwhile {started_at} to {now}, {ran} runs"
    )
    return 0 if set(statuses) == {200} else 1


if __name__ == "__main__":
    sys.exit(main())
