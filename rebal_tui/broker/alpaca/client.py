"""HTTP client for Alpaca. Every call has a timeout, and only reads are retried.

A request whose result is unknown raises `BrokerUnavailable`; a request that is definitively refused raises `Denied`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import tenacity

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.clock_skew import ClockSkew
from rebal_tui.broker.connection import RateLimit
from rebal_tui.broker.failures import BrokerUnavailable

SANDBOX_HEADERS = {"Rebal-Extensions": "1"}
"""Makes a server of this program add names of clients and reasons of rejections to its responses; other servers ignore
it.
"""
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
MAX_RATE_LIMIT_WAIT_SECONDS = 65.0
"""Maximum wait of a read for the rate limit, whose window is a minute."""
MAX_ATTEMPTS = 4
DEFAULT_RATE = 200
"""Requests a minute assumed of a broker that asks to wait without naming its limit."""
_TOO_MANY = 429
_RETRYABLE_STATUSES = frozenset({408, 425, _TOO_MANY})
"""4xx statuses that do not concern the request itself."""
_UNAUTHORIZED = 401
_MIN_WAIT_SECONDS = 0.1

Params = Mapping[str, str | int]


class Denied(Exception):
    """The API has refused a request for good: a 4xx status with the API's own error body."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.status = status
        self.code = code
        self.message = message


class KeysRefused(BrokerUnavailable):
    """The broker does not accept the API key or its secret, so it is unknown whether a request would take effect."""


class _TransientError(BrokerUnavailable):
    """A failure after which a read is retried."""


class RateLimited(_TransientError):
    """The broker reports too many requests (HTTP 429)."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base URLs: `broker` of the broker's API, `data` of its market data API, `streaming` of event streams of market
    data.

    `live` is True for accounts with real money.
    """

    broker: str
    data: str
    streaming: str
    live: bool


PAPER = Endpoints(
    "https://broker-api.sandbox.alpaca.markets",
    "https://data.sandbox.alpaca.markets",
    "https://stream.data.sandbox.alpaca.markets",
    live=False,
)
LIVE = Endpoints(
    "https://broker-api.alpaca.markets",
    "https://data.alpaca.markets",
    "https://stream.data.alpaca.markets",
    live=True,
)


class AlpacaClient:
    """HTTP client with one connection pool, safe to use from any thread.

    `auth` signs a request and is the only code that knows the secret. `now` is the clock, `sleep` waits for seconds,
    and `transport` replaces the network in tests. `before` is called before each request to the broker's API; it may
    wait, so that requests stay within a rate.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        auth: Callable[[httpx.Request], httpx.Request],
        now: Callable[[], datetime],
        *,
        before: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.endpoints = endpoints
        self._http = httpx.Client(
            auth=auth, timeout=TIMEOUT, transport=transport, follow_redirects=False, headers=SANDBOX_HEADERS
        )
        self._now = now
        self._before = before
        self._sleep = sleep
        self._lock = threading.Lock()
        self._limit: RateLimit | None = None
        self._wait_until: datetime | None = None
        self.clock_skew = ClockSkew()

    @property
    def http(self) -> httpx.Client:
        """The connection pool, for event streams."""
        return self._http

    @property
    def rate_limit(self) -> RateLimit | None:
        """The rate limit in the last response of the broker's API, None before the first.

        After a response with `Retry-After`, the returned limit has 0 requests remaining until the time given there,
        whatever later responses report.
        """
        with self._lock:
            limit, until = self._limit, self._wait_until
        if limit is None or until is None or self._now() >= until or (not limit.remaining and limit.reset_at >= until):
            return limit
        return RateLimit(limit.limit, 0, until)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, params: Params | None = None) -> Any:
        """The API's response to a read; after a transient failure, the read is tried again.

        Raises `Denied` for a definitive refusal, else `BrokerUnavailable`.
        """
        return self._with_retries(self.endpoints.broker + path, params, counted=True)

    def get_data(self, path: str, params: Params | None = None) -> Any:
        """As `get`, but for the market data API. Its rate limit is a separate one, not that of `rate_limit`."""
        return self._with_retries(self.endpoints.data + path, params, counted=False)

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send a request that changes something, once. Raises `Denied` only if the change certainly did not happen.

        Raises `BrokerUnavailable` for anything else but a valid success: the change may have happened.
        """
        return self._request(method, self.endpoints.broker + path, None, body, headers, counted=True)

    def _with_retries(self, url: str, params: Params | None, *, counted: bool) -> Any:
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TransientError),
            stop=tenacity.stop_after_attempt(MAX_ATTEMPTS),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        return attempts(lambda: self._request("GET", url, params, None, None, counted=counted))

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Seconds to wait before the next attempt: until the rate limit's window ends, else an exponential backoff."""
        longer = float(tenacity.wait_exponential(multiplier=0.25, max=5)(state))
        limit = self.rate_limit
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RateLimited) and limit is not None and limit.remaining == 0:
            until = (limit.reset_at - self._now()).total_seconds() + _MIN_WAIT_SECONDS
            return min(max(until, longer), MAX_RATE_LIMIT_WAIT_SECONDS)
        return longer

    def _request(
        self,
        method: str,
        url: str,
        params: Params | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        *,
        counted: bool,
    ) -> Any:
        if counted:
            self._before()
        sent_at = self._now()
        try:
            response = self._http.request(
                method, url, params=dict(params) if params else None, json=body, headers=dict(headers or {})
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _TransientError(f"{type(error).__name__}: {method} {_path(url)}") from None
        if counted:
            self.clock_skew.note(response.headers.get("Date"), sent_at, self._now())
            self._record_rate_limit(response)
        return _parse_response(response, f"{method} {_path(url)}")

    def _record_rate_limit(self, response: httpx.Response) -> None:
        """Record a response's rate limit, and the time until which the response asks to wait.

        The end of the rate limit's window is converted from the broker's clock to the local clock. A window longer than
        `MAX_RATE_LIMIT_WAIT_SECONDS` is ignored: a wait for its end might never finish.
        """
        self._record_retry_after(response)
        try:
            limit = int(response.headers["X-RateLimit-Limit"])
            remaining = int(response.headers["X-RateLimit-Remaining"])
            reset = datetime.fromtimestamp(int(response.headers["X-RateLimit-Reset"]), UTC)
            date = response.headers.get("Date")
            left = reset - (parsedate_to_datetime(date) if date else self._now())
        except (KeyError, ValueError, TypeError, OverflowError, OSError):
            return
        if left > timedelta(seconds=MAX_RATE_LIMIT_WAIT_SECONDS):
            return
        with self._lock:
            self._limit = RateLimit(limit, remaining, self._now() + left)

    def _record_retry_after(self, response: httpx.Response) -> None:
        """Record how long the response to a refused request asks to wait, at most `MAX_RATE_LIMIT_WAIT_SECONDS`."""
        try:
            seconds = float(response.headers["Retry-After"])
        except (KeyError, ValueError):
            return
        if response.status_code == _TOO_MANY and 0 < seconds < float("inf"):
            until = self._now() + timedelta(seconds=min(seconds, MAX_RATE_LIMIT_WAIT_SECONDS))
            with self._lock:
                self._wait_until = max(until, self._wait_until or until)
                self._limit = self._limit or RateLimit(DEFAULT_RATE, 0, until)


def _parse_response(response: httpx.Response, what: str) -> Any:
    status = response.status_code
    if 200 <= status < 300:
        if status == httpx.codes.NO_CONTENT:
            return None
        try:
            return json_values.parse(response.content)
        except json_values.Malformed as error:
            raise _TransientError(f"invalid response to {what}: {error}") from None
    if status == _TOO_MANY:
        raise RateLimited(f"too many requests: {what}")
    if status == _UNAUTHORIZED:
        raise KeysRefused("the broker does not accept the API key")
    if 400 <= status < 500 and status not in _RETRYABLE_STATUSES:
        denied = _denied(response)
        if denied is not None:
            raise denied
    raise _TransientError(f"HTTP {status}: {what}")


def _denied(response: httpx.Response) -> Denied | None:
    """The error that the API itself reports; None when an intermediary, such as a proxy, responded."""
    try:
        body = json_values.as_object(json_values.parse(response.content))
        message = json_values.text_of(body, "message")
    except json_values.Malformed:
        return None
    code = body.get("code")
    if isinstance(code, bool) or not isinstance(code, int):
        return None
    return Denied(response.status_code, code, message)


def _path(url: str) -> str:
    return httpx.URL(url).path
