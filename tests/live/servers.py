"""Our own server as the remote broker, in its own process, controlled through its sandbox."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.forked_program import ForkedProgram


class Server:
    """A running sandbox with its key."""

    def __init__(self, url: str, key: str, secret: str, firm_account: str) -> None:
        self.url = url
        self.key = key
        self.secret = secret
        self.firm_account = firm_account
        self.http = httpx.Client(base_url=url, auth=(key, secret), timeout=30)

    def get(self, path: str, **params: str) -> Any:
        answer = self.http.get(path, params=params)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def orders(self, account_id: str) -> list[dict[str, Any]]:
        """Every order that the server accepted for an account."""
        found: list[dict[str, Any]] = self.get(
            f"/v1/trading/accounts/{account_id}/orders", status="all", limit="500", direction="asc"
        )
        return found


@contextmanager
def serving(at: str, *arguments: str) -> Iterator[Server]:
    """A new sandbox whose time is fixed at a New York time, until the block ends."""
    arguments = ("serve", "--sandbox", "--at", at, "--port", "0", "--json", *arguments)
    process = ForkedProgram(*arguments, env=os.environ)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        announced = json.loads(process.stdout.readline())
        server = Server(announced["url"], announced["key_id"], announced["secret"], announced["firm_account"])
        try:
            yield server
        finally:
            server.http.close()
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
        process.stderr.close()
