"""Assets and their quotes (R-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rebal_tui.domain.quantities import Price

EXCHANGES = (
    "AMEX", "ARCA", "ASCX", "BATS", "NYSE", "NASDAQ", "NYSEARCA", "FTXU", "CBSE", "GNSS", "ERSX", "OTC", "CRYPTO", "",
)  # fmt: skip
"""Exchange names that the API uses."""


class AssetStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Asset:
    """A US equity. `price` is its last price, `price_at` the time of that price; both are None without a quote."""

    id: str
    symbol: str
    name: str
    exchange: str
    status: AssetStatus
    tradable: bool
    fractionable: bool
    price: Price | None = None
    price_at: datetime | None = None

    @property
    def eligible(self) -> bool:
        """Whether a portfolio may hold the asset: active, tradable and fractionable."""
        return self.status is AssetStatus.ACTIVE and self.tradable and self.fractionable

    @property
    def ineligibility(self) -> str:
        """Why the asset is not eligible, as display text; empty when it is eligible."""
        faults = []
        if self.status is not AssetStatus.ACTIVE:
            faults.append("inactive")
        if not self.tradable:
            faults.append("not tradable")
        if not self.fractionable:
            faults.append("not fractionable")
        return ", ".join(faults)


@dataclass(frozen=True, slots=True)
class AssetChange:
    """New values for fields of an asset; None leaves a field unchanged."""

    name: str | None = None
    exchange: str | None = None
    status: AssetStatus | None = None
    tradable: bool | None = None
    fractionable: bool | None = None
    halted: bool | None = None
