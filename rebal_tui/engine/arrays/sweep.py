"""Live drift of a whole book: what the Desk shows and counts of every account, swept anew under new prices (R-15)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.quantities import NANO, Money, floor_money
from rebal_tui.engine.arrays.cash import screen_cash
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.frame import STOPS, UNSUBSCRIBED, BookFrame, Mark
from rebal_tui.engine.arrays.layout import Block, Flags, Floats, Ints, Places
from rebal_tui.engine.arrays.passes import (
    any_other,
    any_weight,
    dollars,
    pieces,
    slot_prices,
    values_besides,
)
from rebal_tui.engine.arrays.today import Today
from rebal_tui.engine.arrays.wide import MOST, Wide
from rebal_tui.engine.drift import value_account

NEAR_PERMILLE = 800
"""From this share of a band on, an account is near it."""
NO_BAND = -1
"""In place of a share of a band: no band applies."""
NOTHING = -1
"""In place of an asset: the account has no drift to show."""
_ERROR = 1e-8
"""More than a drift in floats can err by, in hundredths of a point, where equity is not far below what is held."""
_COUNTED = 1 << 20


class Group(IntFlag):
    """Bits of an account's `groups`: the tiles it stands in, by the rules of the Desk."""

    OUTSIDE = 1
    NEAR = 2
    CALENDAR = 4
    CASH = 8
    FIRST = 16
    COOLDOWN = 32
    BLOCKED = 64
    UNABLE = 128


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """One entry per account of a frame, in its order. Exact for every account, but for `equity`.

    `equity` is in floating dollars, right to about 15 digits: to sort and to sum; `exact_equity` has the billionths.
    `worst` is the place of the asset that uses most of a band (without bands: the one furthest from its target) or
    `NOTHING`. `drift` is that asset's actual less target share of equity in hundredths of a point, rounded toward
    zero. `band_used` is the largest share of a band in tenths of a percent, rounded down, or `NO_BAND`. `groups` has
    the bits of `Group`; an account that follows no portfolio has none. `confirmed` counts accounts that the exact form
    was asked about.
    """

    equity: Floats
    worst: Places
    drift: Ints
    band_used: Ints
    groups: npt.NDArray[np.uint16]
    confirmed: int

    def count(self, group: Group) -> int:
        """How many accounts stand in a group."""
        return int(np.count_nonzero(self.groups & int(group)))


@dataclass(slots=True, eq=False)
class _Columns:
    """What a sweep fills in, by account. `use` is the largest share of a band in floats, `unsure` what it may err by;
    `ask` marks accounts whose figures only the exact form can tell."""

    equity: Floats
    invested: Floats
    worst: Places
    drift: Ints
    band_used: Ints
    outside: Flags
    use: Floats
    unsure: Floats
    ask: Flags


def sweep(frame: BookFrame, today: Today) -> Sweep:
    """Every account under the frame's prices."""
    count = len(frame)
    out = _Columns(
        equity=np.zeros(count),
        invested=np.zeros(count),
        worst=np.full(count, NOTHING, np.int32),
        drift=np.zeros(count, np.int64),
        band_used=np.full(count, NO_BAND, np.int64),
        outside=np.zeros(count, np.bool_),
        use=np.full(count, -np.inf),
        unsure=np.zeros(count),
        ask=np.zeros(count, np.bool_),
    )
    cash = dollars(frame.accounts.cash)
    worth, besides = values_besides(frame)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for block in frame.blocks:
            _sweep_block(frame, block, cash, besides, out)
        if len(worth):
            _sweep_others(frame, worth, out)
    return _grouped(frame, today, out)


def _sweep_block(frame: BookFrame, block: Block, cash: Floats, besides: Floats, out: _Columns) -> None:
    rows, local, table = block.rows, block.local, frame.table
    prices, target = slot_prices(frame, block), block.target.astype(np.float64)
    inverse = np.where(np.isfinite(block.limit), 1 / block.limit, 0.0)
    error = _ERROR * inverse.max(axis=0)
    code = (_COUNTED + np.arange(len(inverse), dtype=np.int32))[:, None]
    held, owned = besides[rows], cash[rows]
    most, found = np.empty(len(rows)), np.empty(len(rows), np.int32)
    unsure = error[local]
    for piece in pieces(block):
        part = slice(piece.start, piece.stop)
        use = piece.qty * piece.of(prices)
        held[part] += use.sum(axis=0)
        use *= 10_000 / (held[part] + owned[part])
        use -= piece.of(target)
        np.abs(use, out=use)
        use *= piece.of(inverse)
        use.max(axis=0, out=most[part])
        close = use >= most[part] - 2 * unsure[part]
        np.multiply(close, code).sum(axis=0, dtype=np.int32, out=found[part])
    equity = held + owned
    factor = 10_000 / equity
    slot = found - _COUNTED
    tied = np.flatnonzero(found >= 2 * _COUNTED)
    empty = _Empty.of(frame, block)
    if len(tied):
        qty, at = block.qty[:, tied], local[tied]
        use = np.abs(qty * prices[:, at] * factor[tied] - target[:, at]) * inverse[:, at]
        slot[tied] = empty.first_of(use >= most[tied] - 2 * unsure[tied], qty, at)
    ask = slot < 0
    np.copyto(slot, 0, where=ask)
    shares = block.qty[slot, np.arange(len(rows))]
    goal = target[slot, local]
    gap = shares * prices[slot, local] * factor - goal
    bare = shares == 0
    size, permille = np.abs(gap), most * 1_000
    unclear = np.abs(size - np.rint(size)) <= _ERROR
    unclear |= (np.abs(permille - np.rint(permille)) <= unsure * 1_000) & (permille > 0.5)
    ask |= unclear & ~bare
    sound = np.isfinite(most) & (equity > 0) & (table.count[block.members] > 0)[local]
    banded = sound & ((table.absolute > 0) | (table.relative > 0))[block.members][local]
    used = np.floor(np.where(sound, permille, 0))
    np.copyto(used, empty.permille[slot, local], where=bare)
    out.equity[rows], out.invested[rows] = equity, held
    out.ask[rows] = ask & sound
    if len(frame.others.qty):
        out.use[rows] = np.where(sound, most, -np.inf)
        out.unsure[rows] = unsure
    out.worst[rows] = np.where(sound, block.asset[slot, local], NOTHING)
    out.drift[rows] = np.where(sound, np.trunc(gap), 0)
    out.band_used[rows] = np.where(banded, used, NO_BAND)
    out.outside[rows] = banded & np.where(bare, empty.outside[slot, local], most > 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Empty:
    """Slots that hold nothing, exactly: their drift is their whole target, whatever the equity.

    `rank` orders the slots of a portfolio by how much of a band they use; `permille` and `outside` are what they use.
    """

    rank: Ints
    permille: Ints
    outside: Flags

    @classmethod
    def of(cls, frame: BookFrame, block: Block) -> _Empty:
        target = block.target
        absolute, relative = frame.table.absolute[block.members], frame.table.relative[block.members]
        both = np.maximum(target * relative, 10_000 * absolute)
        rank = np.where(absolute == 0, np.where(relative == 0, target, 1), np.where(relative == 0, target, both))
        per_absolute = np.where(absolute > 0, target * 1_000 // np.maximum(absolute, 1), 0)
        per_relative = np.where(relative > 0, 10_000_000 // np.maximum(relative, 1), 0)
        outside = ((absolute > 0) & (target > absolute)) | ((relative > 0) & (relative < 10_000))
        return cls(np.where(target > 0, rank, -1), np.maximum(per_absolute, per_relative), outside)

    def first_of(self, close: Flags, qty: Ints, local: Places) -> Places:
        """By column the slot that is worst among some close to each other, if all of them are empty; else below 0."""
        slot = np.where(close, self.rank[:, local], -1).argmax(axis=0)
        return np.where((close & (qty != 0)).any(axis=0), -1, slot).astype(np.int32)


def _sweep_others(frame: BookFrame, worth: Floats, out: _Columns) -> None:
    """Holdings besides the portfolio, where one of them may be the worst."""
    others, table = frame.others, frame.table
    starts = np.flatnonzero(np.diff(others.account, prepend=-1))
    accounts = others.account[starts]
    owner = np.repeat(np.arange(len(accounts)), np.diff(np.append(starts, len(worth))))
    follows = frame.accounts.portfolio[others.account]
    absolute, relative = table.absolute[follows], table.relative[follows]
    limit = np.where(absolute > 0, absolute, np.where(relative > 0, np.inf, 1)).astype(np.float64)
    drift = worth * 10_000 / out.equity[others.account]
    use = drift / limit
    most = np.maximum.reduceat(use, starts)
    unsure = np.maximum(_ERROR, out.unsure[accounts])
    rivals = np.add.reduceat((use >= (most - 2 * unsure)[owner]).astype(np.int64), starts)
    best = np.full(len(accounts), -1)
    place = np.flatnonzero(use == most[owner])[::-1]
    best[owner[place]] = place
    wins = most > out.use[accounts] + 2 * unsure
    loses = most < out.use[accounts] - 2 * unsure
    bare = table.count[frame.accounts.portfolio[accounts]] == 0
    size, permille = drift[best], most * 1_000
    unclear = (rivals > 1) | (np.abs(size - np.rint(size)) <= _ERROR)
    unclear |= np.abs(permille - np.rint(permille)) <= unsure * 1_000
    out.ask[accounts] |= bare | (~loses & (~wins | unclear))
    sure = wins & ~bare & ~unclear & (out.equity[accounts] > 0)
    mine, at = accounts[sure], best[sure]
    out.ask[mine] = False
    out.worst[mine] = others.asset[at]
    out.drift[mine] = np.floor(size[sure])
    banded = absolute[at] > 0
    out.band_used[mine] = np.where(banded, np.floor(permille[sure]), NO_BAND)
    out.outside[mine] = banded & (most[sure] > 1)


def _grouped(frame: BookFrame, today: Today, out: _Columns) -> Sweep:
    """Confirm exactly what floats cannot tell, then count each account into its groups."""
    accounts, table = frame.accounts, frame.table
    follows = accounts.portfolio
    cash = screen_cash(frame, out.equity, out.invested)
    exceeds, invests = cash.exceeds_ratio, cash.invests
    ask = (out.ask | cash.near | ((out.equity < cash.gross * 0.1) & (cash.gross > 0))) & (follows != UNSUBSCRIBED)
    rows = np.flatnonzero(ask)
    for row in rows:
        exact = exact_account(frame, int(row))
        worst, use = exact.worst, exact.use
        exceeds[row], invests[row], out.outside[row] = exact.exceeds_ratio, exact.invests, exact.breached
        out.worst[row] = frame.assets.place[worst.symbol] if worst else NOTHING
        out.drift[row] = worst.points if worst else 0
        out.band_used[row] = min(use.permille, 2**62) if use else NO_BAND
    first = accounts.rebalanced_on < 0
    cooling = ~first & (today.day < accounts.rebalanced_on + table.cooldown[follows])
    stale = ~today.fresh
    unable = np.full(len(frame), today.open_market)
    if today.open_market:
        unable &= any_weight(frame, stale)[follows] | any_other(frame, stale)
    blocked = (accounts.marks & (STOPS | int(Mark.UNRECONCILED)) != 0) | exceeds | ~table.active[follows]
    groups = np.zeros(len(frame), np.uint16)
    for group, holds in (
        (Group.OUTSIDE, out.outside),
        (Group.NEAR, ~out.outside & (out.band_used >= NEAR_PERMILLE)),
        (Group.CALENDAR, today.calendar[follows]),
        (Group.CASH, invests),
        (Group.FIRST, first),
        (Group.COOLDOWN, cooling),
        (Group.BLOCKED, blocked),
        (Group.UNABLE, unable & ~blocked),
    ):
        groups[holds] |= np.uint16(group)
    left_out = follows == UNSUBSCRIBED
    groups[left_out] = 0
    out.worst[left_out], out.drift[left_out], out.band_used[left_out] = NOTHING, 0, NO_BAND
    return Sweep(out.equity, out.worst, out.drift, out.band_used, groups, len(rows))


def exact_equity(frame: BookFrame) -> Ints:
    """Every account's equity in billionths of a dollar, rounded down, exact; the largest 64-bit number above it."""
    total = np.zeros(len(frame), np.int64)
    cash = dollars(frame.accounts.cash)
    invested = values_besides(frame)[1]
    price = np.append(frame.assets.price, 0)
    with np.errstate(over="ignore"):
        np.add.at(total, frame.others.account, frame.others.qty * price[frame.others.asset])
        total += frame.accounts.cash * NANO
        for block in frame.blocks:
            exact, floating = price[block.asset], slot_prices(frame, block)
            for piece in pieces(block):
                total[piece.rows] += (piece.qty * exact[:, piece.take]).sum(axis=0)
                invested[piece.rows] += (piece.qty * piece.of(floating)).sum(axis=0)
        floored = Wide.of(total, cash + invested).nano
    for row in np.flatnonzero(np.abs(cash) + invested > MOST):
        valuation = value_account(Money(int(frame.accounts.cash[row])), *frame.priced_holdings(int(row)))
        floored[row] = min(floor_money(valuation.equity), 2**63 - 1)
    return floored
