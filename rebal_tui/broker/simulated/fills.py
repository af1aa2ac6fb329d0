"""Fill model (latency, partial fills, rejects), and the arithmetic of one partial fill."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from rebal_tui.broker.simulated.timestamps import MILLISECOND, SECOND
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import NANO, Money, Price, Qty

ORDER_BASIS_POINTS = 10_000
"""A whole order in ten-thousandths, the unit of `FillModel.pieces`."""


@dataclass(frozen=True, slots=True)
class FillModel:
    """When orders fill, and in how many partial fills. Orders with the same seed and `client_order_id` always fill in
    the same way.

    `latency_seconds`: minimum and maximum of the seconds to the first fill, between fills, and between the steps of a
    journal. `partial_chance` and `reject_chance`: percent, 0 to 100. `max_pieces`: the maximum number of partial fills
    of an order, 1 to 1000. `cancel_latency`: seconds until a cancel takes effect, 0 or more. `immediate_fills`: orders
    fill in full when they are placed, and journals execute when they are created.
    """

    latency_seconds: tuple[int, int] = (1, 4)
    partial_chance: int = 25
    max_pieces: int = 4
    reject_chance: int = 0
    seed: int = 0
    cancel_latency: int = 0
    immediate_fills: bool = False

    def __post_init__(self) -> None:
        """Raise `Invalid` for values out of range."""
        least, most = self.latency_seconds
        faults = []
        if not 0 <= least <= most:
            faults.append(Fault("latency_seconds", "expected 0 ≤ least ≤ most"))
        if not 0 <= self.partial_chance <= 100:
            faults.append(Fault("partial_chance", "expected a percentage from 0 to 100"))
        if not 0 <= self.reject_chance <= 100:
            faults.append(Fault("reject_chance", "expected a percentage from 0 to 100"))
        if not 1 <= self.max_pieces <= 1_000:
            faults.append(Fault("max_pieces", "expected 1 to 1000"))
        if self.cancel_latency < 0:
            faults.append(Fault("cancel_latency", "expected 0 seconds or more"))
        if faults:
            raise Invalid(faults)

    @classmethod
    def immediate(cls) -> FillModel:
        """A model that fills every order in full at once, at the current price."""
        return cls(latency_seconds=(0, 0), partial_chance=0, max_pieces=1, immediate_fills=True)

    def pieces(self, client_order_id: str) -> tuple[int, ...]:
        """How much of an order is filled in total after each partial fill, in ten-thousandths of the order; the last
        element is 10,000.
        """
        if self.max_pieces == 1 or self._draw(client_order_id, "partial", 100) >= self.partial_chance:
            return (ORDER_BASIS_POINTS,)
        count = 2 + self._draw(client_order_id, "pieces", self.max_pieces - 1)
        cuts = {1 + self._draw(client_order_id, f"cut {k}", ORDER_BASIS_POINTS - 1) for k in range(count - 1)}
        return (*sorted(cuts), ORDER_BASIS_POINTS)

    def latency(self, key: str, step: int) -> int:
        """Microseconds to wait before step number `step` of the order or journal whose id is `key`."""
        least, most = self.latency_seconds
        if most == 0:
            return 0
        return least * SECOND + MILLISECOND * self._draw(key, f"latency {step}", (most - least) * 1_000 + 1)

    def rejects(self, client_order_id: str) -> bool:
        """Whether the market rejects an order that the broker accepted."""
        return self.reject_chance > 0 and self._draw(client_order_id, "reject", 100) < self.reject_chance

    def _draw(self, key: str, purpose: str, bound: int) -> int:
        digest = blake2b(f"{self.seed}\0{purpose}\0{key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % bound


def shares_for(amount: int, price: Price) -> Qty:
    """The maximum number of shares that an amount of dollars buys; shares and dollars in billionths."""
    return Qty(amount * NANO // price)


def cash_of(side: Side, qty: int, price: Price) -> Money:
    """The dollars of a fill, in billionths: those of a buy are rounded up to a billionth of a dollar, those of a sell
    down.
    """
    return Money(-(-qty * price // NANO) if side is Side.BUY else qty * price // NANO)


def average_price(parts: list[tuple[int, int]]) -> Price:
    """The average price, weighted by quantity, of (quantity, price) pairs; rounded half up to nine decimals."""
    total = sum(qty for qty, _ in parts)
    value = sum(qty * price for qty, price in parts)
    return Price((2 * value + total) // (2 * total))
