"""The FastAPI application: every route under `/v1` and `/v1/beta`, access control first, one format for errors."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from fastapi import FastAPI

from rebal_tui import __version__
from rebal_tui.api import (
    accounts,
    activities,
    closing,
    events,
    health,
    journals,
    keys,
    kill_switch,
    market,
    metrics,
    orders,
    rebalancing,
    sandbox,
    trade_settings,
)
from rebal_tui.api.access import MAX_FAILURES, Access, Limiter
from rebal_tui.api.browser_safety import BrowserSafety
from rebal_tui.api.date_header import DateHeader
from rebal_tui.api.failed_logins import FailedLogins
from rebal_tui.api.flat_routes import add_routes
from rebal_tui.api.forwarded_address import ForwardedAddress
from rebal_tui.api.health import HaltGate
from rebal_tui.api.heartbeats import HeartbeatRecord
from rebal_tui.api.key_slots import MAX_STREAMS_PER_KEY, KeySlots
from rebal_tui.api.openapi import API_DESCRIPTION, describe
from rebal_tui.api.query_rules import CheckedRoute
from rebal_tui.api.request_rules import RequestRules
from rebal_tui.api.responses import BookClient, add_handlers
from rebal_tui.api.route_tree import index_routes
from rebal_tui.domain.errors import ReadOnly
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import NewKey

DEFAULT_REQUESTS_PER_MINUTE = 60_000
"""Default number of requests per minute and key."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the API is served.

    `rate`: requests per minute for each API key. `clock` returns real elapsed seconds. `now` returns the real time,
    `book_now` that of the book's clock, in seconds since 1970; both can be called from any thread. `closing`: whether
    the server is shutting down, so that event streams end, too. `new_key`: makes a random key. `with_sandbox`: whether
    to add the sandbox routes. `hosts`: the names of this server that the Host header of a request may have, empty for
    any. `proxy`: the IP address of a reverse proxy that reports the address of each client, empty without one.
    `requests` and `streams`: how many requests may be under way, and how many event streams may be open, at once for
    all keys together. `halted`: why the book cannot be written, even before the next heartbeat records it; None while
    it can. `failed_logins` and `heartbeats`: the server's records of failed log-ins and of heartbeats.
    """

    clock: Callable[[], float]
    now: Callable[[], float]
    book_now: Callable[[], float]
    closing: Callable[[], bool]
    new_key: Callable[[], NewKey]
    rate: int = DEFAULT_REQUESTS_PER_MINUTE
    with_sandbox: bool = False
    hosts: Collection[str] = ()
    proxy: str = ""
    requests: int = 1_000
    streams: int = 256
    halted: Callable[[], ReadOnly | None] = lambda: None
    failed_logins: FailedLogins = field(default_factory=FailedLogins)
    heartbeats: HeartbeatRecord = field(default_factory=HeartbeatRecord)


def create_app(client: BookClient, keyring: Keyring, options: Options) -> FastAPI:
    """The application that serves the API of a book."""
    app = FastAPI(
        title="Rebalancing API",
        version=__version__,
        description=API_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # Starlette would answer a path with a slash too many with a redirect to the Host that the request names.
        redirect_slashes=False,
    )
    app.router.route_class = CheckedRoute
    app.state.client, app.state.options, app.state.keyring = client, options, keyring
    app.state.streams = KeySlots(options.streams, MAX_STREAMS_PER_KEY)
    # Activities come first: accounts have a path with any name.
    parts = (
        rebalancing, trade_settings, activities, accounts, orders, closing, journals, market, keys, kill_switch, health
    )  # fmt: skip
    for part in parts:
        add_routes(app, part.router, "/v1")
    for prefix in ("/v1", "/v2"):
        add_routes(app, events.router, prefix, include_in_schema=prefix == "/v2")
    add_routes(app, events.beta_router)
    add_routes(app, market.data_router, "/v2")
    add_routes(app, health.liveness_router)
    add_routes(app, metrics.router)
    if options.with_sandbox:
        add_routes(app, sandbox.router)
    for part in parts:
        add_routes(app, part.router, "/v1/beta", include_in_schema=False)
    add_handlers(app)
    describe(app)
    index_routes(app)

    app.add_middleware(HaltGate, record=options.heartbeats)
    app.add_middleware(
        Access,
        keyring=keyring,
        limiter=Limiter(options.rate, options.clock),
        slots=KeySlots(options.requests),
        failures=Limiter(MAX_FAILURES, options.clock),
        failed=options.failed_logins,
        now=options.now,
        book_now=options.book_now,
    )
    app.add_middleware(RequestRules)
    app.add_middleware(BrowserSafety, hosts=options.hosts)
    app.add_middleware(DateHeader, now=options.book_now)
    app.add_middleware(ForwardedAddress, proxy=options.proxy)
    return app
