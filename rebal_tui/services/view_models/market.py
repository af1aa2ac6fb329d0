"""The Market screen: assets, the simulator, and the effect of a price change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.quantities import Money, Percent, Price, Qty


@dataclass(frozen=True, slots=True)
class AssetRow:
    """An asset in the market.

    `change_bp` is the change since the last close in hundredths of a percent, None without a last close. `trend` has
    the latest prices, oldest first. `portfolios` counts the portfolios that target the asset, `active_portfolios` those
    of them that are active, and `accounts` the accounts that hold it. In the simulation, trading of a `halted` asset is
    stopped, and the price of a `frozen` one does not move. `hold` is why the asset is on hold (R-55), empty when it is
    not.
    """

    symbol: str
    name: str
    status: str
    tradable: bool
    fractionable: bool
    halted: bool
    price: Price | None
    price_at: datetime | None
    change_bp: int | None
    trend: tuple[Price, ...]
    portfolios: int
    active_portfolios: int
    accounts: int
    frozen: bool = False
    hold: str = ""


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """The Market screen.

    `speed` is the number of simulated seconds per real second, None if time is not simulated; `paused` is whether it is
    stopped. `outside` of `subscribed` accounts are outside a band.
    """

    version: int
    assets: tuple[AssetRow, ...]
    outside: int
    speed: float | None
    paused: bool
    subscribed: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """The number of accounts outside a band before and after a change, of `subscribed` subscribed accounts.

    `left` are the ids of the accounts that the change moved out of their bands; None where they are only counted. `at`
    is the time at which they were counted, before and after; None where it is not shown.
    """

    before: int
    after: int
    subscribed: int
    left: frozenset[str] | None = None
    at: datetime | None = None

    @property
    def moved(self) -> str:
        """How many more or fewer accounts are outside a band after the change, such as `12 more outside`."""
        count = self.after - self.before
        return f"{abs(count):,} {'fewer' if count < 0 else 'more'} outside" if count else "no further account outside"

    def __str__(self) -> str:
        """The difference and the total as text, such as `12 more accounts outside: 21 of 58`."""
        moved = abs(self.after - self.before)
        total = f"{self.after:,} of {self.subscribed:,}"
        left = len(self.left or ())
        returned = self.before + left - self.after
        if left and returned:
            return f"{left:,} left their bands, {returned:,} returned: {total} accounts outside"
        if not moved:
            return f"{total} accounts outside, as before"
        noun = "account" if moved == 1 else "accounts"
        return f"{moved:,} {'more' if self.after > self.before else 'fewer'} {noun} outside: {total}"


@dataclass(frozen=True, slots=True)
class HolderView:
    """An account that holds an asset, with its quantity, value and target.

    `actual_bp` is the asset's share of the account's managed equity in hundredths of a percent. `target` is None for an
    account that follows no portfolio.
    """

    account_id: str
    client: str
    portfolio: str
    qty: Qty
    value: Money
    target: Percent | None
    actual_bp: int


@dataclass(frozen=True, slots=True)
class AssetView:
    """An asset with the portfolios that target it, by descending weight, and its holders, by descending quantity."""

    row: AssetRow
    portfolios: tuple[tuple[str, Percent], ...]
    holders: tuple[HolderView, ...]
