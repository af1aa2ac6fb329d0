"""How many event streams are open, in all and for each API key."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

MAX_STREAMS_PER_KEY = 64


class StreamSlots:
    """Slots for `total` streams, of one key at most `MAX_STREAMS_PER_KEY`.

    A key gets a second stream and more only while it leaves as many slots free as it then has: two keys cannot take
    all slots, and every key gets a first stream as long as one is free.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._open.total()

    def take(self, caller: str) -> StreamSlot | None:
        """A slot for a stream of a key, None when none is free. It counts until it is released."""
        wanted, left = self._open[caller] + 1, self._total - len(self) - 1
        if left < 0 or wanted > MAX_STREAMS_PER_KEY or (wanted > 1 and left < wanted):
            return None
        self._open[caller] += 1
        return StreamSlot(self._open, caller)


class StreamSlot:
    """A slot in use."""

    def __init__(self, slots: Counter[str], caller: str) -> None:
        self._slots = slots
        self._caller = caller
        self._held = True

    def release(self) -> None:
        """Free the slot; no effect when it is free already."""
        if self._held:
            self._held = False
            self._slots[self._caller] -= 1


class SlottedStream(StreamingResponse):
    """A streaming response that frees its slot at its end, even when it ends before its first line."""

    def __init__(
        self, slot: StreamSlot, lines: AsyncIterator[str], *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(lines, media_type=media_type, headers=headers)
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._slot.release()
