"""Requests that commands send to the server that has a book open."""

from __future__ import annotations

import base64
import json
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rebal_tui.domain.errors import Conflict
from rebal_tui.running_server import RunningServer, find_server

_SECONDS = 30
_MAX_BYTES = 1024 * 1024


class RunningBook:
    """The server that has a book open. Requests go straight to it, never through a proxy set in the environment."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server

    @classmethod
    def of(cls, path: Path) -> RunningBook | None:
        """The server that has the book at `path` open; None if there is none."""
        found = find_server(path)
        return None if found is None else cls(found)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a request to the server, and return the JSON of the response; None for an empty response.

        Raises `Conflict` when the server refuses, with its message, or does not respond.
        """
        address = urlsplit(self._server.url)
        token = base64.b64encode(f"{self._server.key_id}:{self._server.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        connection = HTTPConnection(address.hostname or "", address.port, timeout=_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read(_MAX_BYTES)
        except (OSError, HTTPException) as error:
            raise Conflict(f"the server of the book at {self._server.url} does not answer: {error}") from error
        finally:
            connection.close()
        content = json.loads(text) if text else None
        if answer.status >= 400:
            raise Conflict(str((content or {}).get("message", f"status {answer.status}")))
        return content
