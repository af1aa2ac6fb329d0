"""All event streams of the adapter, and the queue of the messages that they received."""

from __future__ import annotations

import queue
from collections.abc import Callable
from datetime import datetime

import httpx

from rebal_tui.broker.alpaca.client import AlpacaClient
from rebal_tui.broker.alpaca.missed_orders import missed_orders
from rebal_tui.broker.alpaca.ports import EventInbox
from rebal_tui.broker.alpaca.stream_list import STREAMS, TRADE_STREAM, Stream
from rebal_tui.broker.alpaca.stream_reader import ReceivedMessage, StreamFault, read_stream
from rebal_tui.broker.alpaca.streams import RESUME_OVERLAP, Listener
from rebal_tui.broker.connection import StreamState
from rebal_tui.broker.failures import BrokerUnavailable


class StreamSet:
    """All event streams of the adapter, and the queue of their messages.

    Each stream starts 5 minutes before its last stored event. If none is stored, it starts the stream's `lookback`
    before the time at which the book was created.
    """

    def __init__(self, client: AlpacaClient, inbox: EventInbox, now: Callable[[], datetime]) -> None:
        self._client = client
        self._inbox = inbox
        self._now = now
        self._messages: queue.SimpleQueue[ReceivedMessage] = queue.SimpleQueue()
        self._next: ReceivedMessage | None = None
        self._listeners: list[Listener] = []

    @property
    def states(self) -> tuple[StreamState, ...]:
        """The state of every stream, empty before `start`."""
        return tuple(listener.state for listener in self._listeners)

    def start(self) -> None:
        """Start all streams; no effect when they are started already."""
        if self._listeners:
            return
        self._listeners += [
            Listener(self._client, stream, self._begin(stream), self._now, self._messages) for stream in STREAMS
        ]
        for listener in self._listeners:
            listener.start()

    def stop(self) -> None:
        for listener in self._listeners:
            listener.stop()

    def catch_up_from(self) -> datetime:
        """The time to pass to `catch_up` as `begin`: 5 minutes before the last stored trade event."""
        return self._begin(TRADE_STREAM) - RESUME_OVERLAP

    def catch_up(self, until: datetime, begin: datetime) -> None:
        """Add to the queue the trade events between `begin` and `until`, times of the broker's clock, read by one
        request.

        If the broker refuses the stream, the orders are read account by account instead. Raises `BrokerUnavailable`
        when not all events can be read.
        """
        if begin >= until:
            return
        try:
            for message in read_stream(self._client, TRADE_STREAM, begin, self._now, until):
                if message is not None:
                    self._messages.put(message)
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            if not (isinstance(error, StreamFault) and error.refused):
                raise BrokerUnavailable(f"trade events since {begin.isoformat()}: {error}") from None
            for message in missed_orders(self._client, begin):
                self._messages.put(message)

    @property
    def has_message(self) -> bool:
        """Whether the queue has a message."""
        return self._next is not None or not self._messages.empty()

    def next_message(self) -> ReceivedMessage | None:
        """The oldest message in the queue, None when it is empty. `take` removes it."""
        if self._next is None:
            try:
                self._next = self._messages.get_nowait()
            except queue.Empty:
                return None
        return self._next

    def take(self) -> None:
        """Remove the oldest message from the queue."""
        self._next = None

    def _begin(self, stream: Stream) -> datetime:
        return self._inbox.last_at(stream.name) or self._inbox.began_at() - stream.lookback
