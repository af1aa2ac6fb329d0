"""Which assets can be bought and sold, both for plans and for sending orders (R-26, R-56)."""

from __future__ import annotations

from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import NANO, Qty


def trading_fault(asset: Asset | None, side: Side) -> str:
    """Why an asset cannot be bought or sold, as display text; empty when it can.

    A buy needs an eligible asset. A sell only needs an active one: an asset that is not tradable can still be sold.
    """
    if asset is None:
        return "unknown"
    if side is Side.BUY:
        return asset.ineligibility
    return "" if asset.status is AssetStatus.ACTIVE else "inactive"


def sellable_qty(asset: Asset, held: Qty) -> Qty:
    """The shares of a holding that can be sold: all, or whole shares only when the asset is not fractionable."""
    return held if asset.fractionable else Qty(held // NANO * NANO)
