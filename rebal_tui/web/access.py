"""Who may use the page: only the browser that opened the printed address first, and no page of another site."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping

COOKIE = "rebal-tui"


class Access:
    """The printed address, which works once, and the browser session that begins when a browser opens it.

    A browser sends the cookies of this machine to every port of it. The session's cookie is limited to a path with a
    random name, so that programs that listen on other ports do not get it.
    """

    def __init__(self, port: int, new_secret: Callable[[], str]) -> None:
        """`new_secret` returns a text that cannot be guessed, of characters that need no quoting in a URL."""
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._token: str | None = new_secret()
        self._session = new_secret()
        self.folder = f"/{new_secret()}/"
        self.url = f"http://127.0.0.1:{port}/?token={self._token}"
        """The address to print; it works once."""

    def begin(self, token: str) -> str | None:
        """Begin the session with the token of the printed address, and return the secret for the session's cookie.

        None for a wrong or used token.
        """
        if self._token is None or not _equal(token, self._token):
            return None
        self._token = None
        return self._session

    def is_open(self) -> bool:
        """Whether a browser has opened the printed address, so that the session has begun."""
        return self._token is None

    def knows(self, session: str | None) -> bool:
        """Whether the session has begun and `session` is its secret, as the browser's cookie has it."""
        return self._token is None and session is not None and _equal(session, self._session)

    def names_this_server(self, headers: Mapping[str, str]) -> bool:
        """Whether the Host header of a request is this server's own address.

        A web page could otherwise reach the server by another name that resolves to this machine.
        """
        return headers.get("Host", "").lower() in self._hosts

    def from_own_page(self, headers: Mapping[str, str]) -> bool:
        """Whether a request comes from a page of this server, by the Origin that browsers send with each websocket."""
        return headers.get("Origin") == f"http://{headers.get('Host', '').lower()}"


def _equal(one: str, other: str) -> bool:
    """Compare in a time that does not depend on where two texts differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())
