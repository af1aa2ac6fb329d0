"""A real server in its own process, and a client for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from rebal_tui.services.wire.contract import HEADER
from tests.forked_program import ForkedProgram

Json = Any

OPEN = "2026-03-02 09:35"
"""A Monday, five minutes after the open; the next evaluation is at 09:45."""
BALANCED = {
    "name": "Balanced",
    "description": "A balanced portfolio of stocks and bonds",
    "weights": [
        {"type": "cash", "percent": "5"},
        {"type": "asset", "symbol": "SPY", "percent": "60"},
        {"type": "asset", "symbol": "TLT", "percent": "35"},
    ],
    "cooldown_days": 7,
    "rebalance_conditions": [
        {"type": "drift_band", "sub_type": "absolute", "percent": "5"},
        {"type": "drift_band", "sub_type": "relative", "percent": "20"},
    ],
}


@dataclass(frozen=True)
class Server:
    """A running sandbox with its key."""

    url: str
    key: str
    secret: str
    firm: str
    process: subprocess.Popen[str]
    http: httpx.Client

    def get(self, path: str, **params: str | int) -> Json:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def extended(self, path: str, **params: str | int) -> Json:
        """As `get`, with the keys that Alpaca's API does not have."""
        answer = self.http.get(path, params=params, headers={HEADER: "1"})
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def post(self, path: str, body: Json, status: int = 200) -> Json:
        answer = self.http.post(path, json=body)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json()

    def account(self, cash: str = "50000", name: str = "Ann Example") -> str:
        """Create an account and return its id."""
        return str(self.post("/sandbox/accounts", {"name": name, "cash": cash})["id"])

    def portfolio(self, **changes: Json) -> str:
        """Create a portfolio and return its id; the default is 5 cash, 60 SPY, 35 TLT."""
        return str(self.post("/v1/rebalancing/portfolios", {**BALANCED, **changes})["id"])

    def subscribe(self, account_id: str, portfolio_id: str) -> str:
        """Subscribe an account and return the subscription's id."""
        body = {"account_id": account_id, "portfolio_id": portfolio_id}
        return str(self.post("/v1/rebalancing/subscriptions", body)["id"])

    def step(self, **far: int) -> None:
        self.post("/sandbox/step", far)

    def prices(self, **prices: str) -> None:
        self.post("/sandbox/prices", prices)


@contextmanager
def running(*options: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """Run `rebal-tui serve` with options until the block ends; it must then exit with code 0."""
    with started(("serve", "--port", "0", "--json", *options), env) as process:
        announced = json.loads(process.stdout.readline() if process.stdout else "")
        headers = {"User-Agent": "tests"}
        with httpx.Client(
            base_url=announced["url"], auth=(announced["key_id"], announced["secret"]), headers=headers, timeout=60
        ) as http:
            yield Server(
                announced["url"], announced["key_id"], announced["secret"], announced["firm_account"], process, http
            )
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=30)
        # Tests that use wrong keys are reported, as they should be.
        others = [line for line in complaints.splitlines() if not line.startswith("failed log-ins of the API: ")]
        assert (process.returncode, others) == (0, [])


@contextmanager
def started(arguments: Sequence[str], env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start the program with arguments; it is killed if it still runs after the block."""
    process = ForkedProgram(*arguments, env={**os.environ, **(env or {})})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
