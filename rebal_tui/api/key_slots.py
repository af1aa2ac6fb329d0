"""A limit on the requests under way, or on the event streams open, in total and for each API key."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

MAX_STREAMS_PER_KEY = 64


class KeySlots:
    """A limit on simultaneous requests or streams: each takes one of `total` slots while it lasts.

    Each API key may use at most `per_key` slots. A key gets a further slot only if at least as many slots then stay
    free as the key then uses. Two keys therefore cannot take all slots, and a key without a slot gets one as long as
    any is free.
    """

    def __init__(self, total: int, per_key: int | None = None) -> None:
        self._total = total
        self._per_key = total if per_key is None else per_key
        self._used: Counter[str] = Counter()
        self._in_use = 0

    def __len__(self) -> int:
        return self._in_use

    def take(self, caller: str) -> KeySlot | None:
        """Take a slot for the key `caller`, until it is released. None when the key gets none."""
        wanted, left = self._used[caller] + 1, self._total - self._in_use - 1
        if left < 0 or wanted > self._per_key or (wanted > 1 and left < wanted):
            return None
        self._used[caller] = wanted
        self._in_use += 1
        return KeySlot(self, caller)

    def release(self, caller: str) -> None:
        """Free a slot of a key."""
        self._in_use -= 1
        self._used[caller] -= 1
        if not self._used[caller]:
            del self._used[caller]


class KeySlot:
    """One of the simultaneous requests or streams of an API key, counted by `KeySlots` until it ends."""

    def __init__(self, slots: KeySlots, caller: str) -> None:
        self._slots = slots
        self._caller = caller
        self._held = True

    def release(self) -> None:
        """Free the slot; no effect when it is free already."""
        if self._held:
            self._held = False
            self._slots.release(self._caller)


class SlottedStream(StreamingResponse):
    """A streaming response that frees its slot (see `KeySlots`) when it ends, even if it ends before its first line."""

    def __init__(
        self, slot: KeySlot, lines: AsyncIterator[str], *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(lines, media_type=media_type, headers=headers)
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._slot.release()
