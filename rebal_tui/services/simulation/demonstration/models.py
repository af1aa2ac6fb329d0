"""Assets of the demonstration market, and the model portfolios of its advisors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    DriftBand,
    PortfolioStatus,
    Weights,
)
from rebal_tui.domain.quantities import Percent, Price, parse_percent, parse_price

ASSETS: Mapping[str, tuple[str, str, str]] = {
    "SPY": ("SPDR S&P 500 ETF Trust", "ARCA", "585.20"),
    "VTI": ("Vanguard Total Stock Market ETF", "ARCA", "289.45"),
    "QQQ": ("Invesco QQQ Trust", "NASDAQ", "512.30"),
    "DIA": ("SPDR Dow Jones Industrial Average ETF Trust", "ARCA", "428.15"),
    "IWM": ("iShares Russell 2000 ETF", "ARCA", "223.60"),
    "EFA": ("iShares MSCI EAFE ETF", "ARCA", "78.92"),
    "VEA": ("Vanguard FTSE Developed Markets ETF", "ARCA", "50.34"),
    "VWO": ("Vanguard FTSE Emerging Markets ETF", "ARCA", "44.87"),
    "VXUS": ("Vanguard Total International Stock ETF", "NASDAQ", "61.88"),
    "VNQ": ("Vanguard Real Estate ETF", "ARCA", "91.26"),
    "AGG": ("iShares Core US Aggregate Bond ETF", "ARCA", "98.14"),
    "BND": ("Vanguard Total Bond Market ETF", "NASDAQ", "72.63"),
    "TLT": ("iShares 20+ Year Treasury Bond ETF", "NASDAQ", "91.58"),
    "IEF": ("iShares 7-10 Year Treasury Bond ETF", "NASDAQ", "94.21"),
    "SHY": ("iShares 1-3 Year Treasury Bond ETF", "NASDAQ", "82.17"),
    "TIP": ("iShares TIPS Bond ETF", "ARCA", "107.45"),
    "LQD": ("iShares Investment Grade Corporate Bond ETF", "ARCA", "108.72"),
    "HYG": ("iShares High Yield Corporate Bond ETF", "ARCA", "79.34"),
    "ESGU": ("iShares ESG Aware MSCI USA ETF", "NASDAQ", "128.05"),
    "GLD": ("SPDR Gold Shares", "ARCA", "247.90"),
    "XLE": ("Energy Select Sector SPDR Fund", "ARCA", "91.75"),
    "XLV": ("Health Care Select Sector SPDR Fund", "ARCA", "141.30"),
    "SCHD": ("Schwab US Dividend Equity ETF", "ARCA", "28.42"),
    "AAPL": ("Apple Inc.", "NASDAQ", "229.87"),
    "JNJ": ("Johnson & Johnson", "NYSE", "152.48"),
    "KO": ("Coca-Cola Company", "NYSE", "63.92"),
    "MSFT": ("Microsoft Corporation", "NASDAQ", "418.35"),
}
"""Name, exchange and initial price of each symbol."""
SANDBOX_ASSETS: Mapping[str, tuple[str, str, str]] = {
    "GOOG": ("Alphabet Inc. Class C", "NASDAQ", "178.35"),
    "GOOGL": ("Alphabet Inc. Class A", "NASDAQ", "176.80"),
    "TSLA": ("Tesla, Inc.", "NASDAQ", "338.60"),
}
"""More assets of a sandbox, which the examples of Alpaca's documentation use."""
LEGACY = ("AAPL", "JNJ", "KO", "MSFT")
"""Held by a few clients from before they subscribed; no model contains them."""
SECTORS = ("XLE", "XLV", "VNQ", "GLD")
"""One of these jumps once a day."""
SUSPENDED = "ESGU"
"""Becomes untradable on the first day; one model contains it."""


def sandbox_prices() -> dict[str, Price]:
    """The initial price of every symbol of a sandbox."""
    return start_prices() | {symbol: parse_price(price) for symbol, (_, _, price) in SANDBOX_ASSETS.items()}


def start_prices() -> dict[str, Price]:
    """The initial price of every symbol of the demonstration market."""
    return {symbol: parse_price(price) for symbol, (_, _, price) in ASSETS.items()}


@dataclass(frozen=True, slots=True)
class Model:
    """A model portfolio. `share` is how many of every 20 clients follow it."""

    name: str
    description: str
    weights: Weights
    conditions: tuple[Condition, ...]
    cooldown_days: int
    share: int
    status: PortfolioStatus = PortfolioStatus.ACTIVE


def _weights(text: str) -> Weights:
    """Parse weights such as `VTI 40 VXUS 20 cash 2`, in percent; they sum to 100."""
    words = text.split()
    parts = [(symbol, parse_percent(percent)) for symbol, percent in zip(words[::2], words[1::2], strict=True)]
    cash = next((percent for symbol, percent in parts if symbol == "cash"), Percent(0))
    return Weights(tuple(AssetWeight(symbol, percent) for symbol, percent in parts if symbol != "cash"), cash)


def _absolute(percent: str) -> DriftBand:
    return DriftBand(BandType.ABSOLUTE, parse_percent(percent))


def _relative(percent: str) -> DriftBand:
    return DriftBand(BandType.RELATIVE, parse_percent(percent))


MODELS = (
    Model(
        "Balanced 60/40",
        "The core allocation: global stocks and bonds",
        _weights("VTI 40 VXUS 19 BND 28 TLT 10 cash 3"),
        (_absolute("5"), _relative("20")),
        7,
        6,
    ),
    Model(
        "Growth",
        "Long horizon; overweight technology and two sectors",
        _weights("VTI 34 QQQ 20 VEA 15 VWO 10 XLV 6 XLE 5 VNQ 4 AGG 5 cash 1"),
        (_relative("20"),),
        14,
        4,
    ),
    Model(
        "Conservative Income",
        "Capital preservation: bonds, inflation protection, dividends",
        _weights("BND 40 SHY 20 LQD 15 TIP 10 SCHD 10 cash 5"),
        (_absolute("2.5"), CalendarCondition(CalendarType.QUARTERLY, "15")),
        31,
        3,
    ),
    Model(
        "ESG Core",
        "ESG-screened large companies, with bonds for stability",
        _weights("ESGU 64 AGG 24 IEF 10 cash 2"),
        (_relative("15"), CalendarCondition(CalendarType.ANNUALLY, "12-31")),
        30,
        2,
    ),
    Model(
        "Dividend Income",
        "Rebalanced monthly after distributions, regardless of drift",
        _weights("SCHD 40 DIA 25 VNQ 10 HYG 15 LQD 8 cash 2"),
        (CalendarCondition(CalendarType.MONTHLY, "25"),),
        21,
        2,
    ),
    Model(
        "All Equity",
        "Buy and hold: new cash is invested, nothing is sold automatically",
        _weights("VTI 60 VXUS 30 IWM 10"),
        (),
        0,
        2,
    ),
    Model(
        "Tactical Gold",
        "Stocks, long bonds and gold in nearly equal parts; weekly on Friday",
        _weights("SPY 32 TLT 32 GLD 31 cash 5"),
        (_absolute("3"), CalendarCondition(CalendarType.WEEKLY, "Friday")),
        5,
        1,
    ),
    Model(
        "Global Opportunities",
        "Closed; clients moved to Growth",
        _weights("SPY 35 EFA 25 VWO 20 GLD 10 HYG 9 cash 1"),
        (_absolute("2.5"), _relative("30"), CalendarCondition(CalendarType.MONTHLY, "1")),
        10,
        0,
        PortfolioStatus.INACTIVE,
    ),
)
