"""Random-walk parameters of common US ETFs: annual volatility in percent, and betas to two factors.

The factors are the common moves of stocks and of bonds. The parameters are rounded estimates from the daily closes of
2009 to 2024. A symbol that is not listed moves like a single stock.
"""

from __future__ import annotations

from rebal_tui.domain.quantities import Price
from rebal_tui.market.walk import SINGLE_STOCK, WalkAsset

_PROFILES: dict[str, tuple[int, float, float]] = {
    "SPY": (17, 1.0, 0.0),
    "VTI": (18, 1.02, 0.0),
    "QQQ": (21, 1.1, 0.0),
    "DIA": (16, 0.92, 0.0),
    "IWM": (23, 1.2, 0.0),
    "EFA": (18, 0.95, 0.0),
    "VEA": (18, 0.95, 0.0),
    "VWO": (21, 1.0, 0.0),
    "VNQ": (23, 1.0, 0.3),
    "AGG": (5, 0.0, 0.7),
    "BND": (5, 0.0, 0.7),
    "TLT": (15, -0.3, 2.0),
    "IEF": (7, -0.1, 1.0),
    "SHY": (2, 0.0, 0.2),
    "TIP": (6, 0.0, 0.8),
    "LQD": (8, 0.2, 1.0),
    "HYG": (9, 0.45, 0.3),
    "VXUS": (18, 0.95, 0.0),
    "ESGU": (18, 1.0, 0.0),
    "GLD": (16, 0.05, 0.4),
    "XLE": (27, 1.1, -0.3),
    "XLV": (15, 0.75, 0.0),
    "SCHD": (15, 0.85, 0.0),
}


def walk_asset(symbol: str, price: Price, source: str = "") -> WalkAsset:
    """The random-walk parameters of a symbol, starting at `price`.

    `source` is the first symbol of an asset that was renamed, which its parameters and moves depend on; by default
    `symbol`.
    """
    volatility, equity_beta, bond_beta = _PROFILES.get(source or symbol, SINGLE_STOCK)
    return WalkAsset(symbol, price, volatility, equity_beta, bond_beta, source)
