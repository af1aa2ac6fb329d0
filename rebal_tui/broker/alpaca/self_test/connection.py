"""What the steps of the self-test share: the broker, the clocks, and the results of earlier steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rebal_tui.broker.alpaca.client import AlpacaClient, Denied, KeysRefused
from rebal_tui.broker.alpaca.json_values import Malformed
from rebal_tui.broker.alpaca.self_test.results import Failed, Redactor
from rebal_tui.broker.alpaca.self_test.stream_probe import StreamProbe
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.domain.quantities import Qty


@dataclass
class Connection:
    """The broker connection of a self-test, and the results that its steps store for later steps.

    `now` is this computer's clock, `elapsed` returns monotonic seconds, and `sleep` waits for seconds. `run_id` makes
    the ids of this self-test's orders unique. `account_id` is the account to trade in; "" lets the steps choose one.
    `market_open` and the fields after it are set by steps for later steps.
    """

    client: AlpacaClient
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    sleep: Callable[[float], None]
    run_id: str
    account_id: str = ""
    firm_account: str = ""
    redactor: Redactor = field(default_factory=Redactor)
    market_open: bool = False
    next_open: str = ""
    symbol: str = ""
    bought: Qty = Qty(0)
    held_before: Qty = Qty(0)
    streams: list[StreamProbe] = field(default_factory=list)

    def get(self, path: str, params: Mapping[str, str | int] | None = None, *, data: bool = False) -> Any:
        """The response to a read, from the market data API if `data`. Raises `Failed` if there is no usable
        response.
        """
        return asked(lambda: self.client.get_data(path, params) if data else self.client.get(path, params))

    def close(self) -> None:
        """Stop the event streams."""
        for probe in self.streams:
            probe.stop()


def asked(ask: Callable[[], Any]) -> Any:
    """The result of `ask`, which sends a request. Raises `Failed` with the reason when there is no usable response."""
    try:
        return ask()
    except KeysRefused:
        raise Failed("the broker does not accept the key (401)") from None
    except Denied as denied:
        raise Failed(f"the broker refused with {denied.status}: {denied.message}") from None
    except BrokerUnavailable as error:
        raise Failed(f"no usable response: {error}") from None
    except Malformed as error:
        raise Failed(f"the response cannot be read: {error}") from None
