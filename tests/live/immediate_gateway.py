"""A gateway that sends each request on the caller's thread as soon as it is queued, so that tests need no waiting."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime

from rebal_tui.broker.alpaca.broker import AlpacaBroker
from rebal_tui.broker.budget import RequestBudget, RequestClass
from rebal_tui.broker.gateway.broker import GatewayBroker
from rebal_tui.broker.gateway.gateway import Gateway, Reply
from rebal_tui.store import run_orders
from rebal_tui.store.database import Database


class ImmediateGateway(Gateway):
    """Never started: `queue` and `collect` send what is due."""

    def queue(
        self,
        key: Hashable,
        kind: RequestClass,
        send: Callable[[], object],
        *,
        due: datetime | None = None,
        since: int = 0,
    ) -> None:
        super().queue(key, kind, send, due=due, since=since)
        self.pump()

    def collect(self) -> list[Reply]:
        self.pump()
        return super().collect()


def front_of(network: AlpacaBroker, database: Database, now: Callable[[], datetime]) -> GatewayBroker:
    """The broker of a live book in front of an adapter, without a limit of requests."""
    return behind(ImmediateGateway(RequestBudget(), now, lambda _seconds: None), network, database, now)


def behind(gateway: Gateway, network: AlpacaBroker, database: Database, now: Callable[[], datetime]) -> GatewayBroker:
    """The broker of a live book that sends through a gateway."""
    return GatewayBroker(network, gateway, now, lambda order_id: run_orders.placed(database, order_id))
