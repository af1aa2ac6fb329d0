"""The asset of an account that uses most of a band and what it is off by: exact, and only for who is asked about."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rebal_tui.engine.arrays.empty import EmptySlots
from rebal_tui.engine.arrays.exact import ExactAccount, exact_account
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED, BookFrame
from rebal_tui.engine.arrays.layout import Block, Flags, Floats, Ints, Places
from rebal_tui.engine.arrays.passes import (
    dollars,
    inverse_limits,
    most_cells,
    passing_over_rows,
    pieces,
    slot_prices,
    values_besides,
)
from rebal_tui.engine.arrays.uses import ERROR, Rows, errors

NO_BAND = -1
"""In place of a share of a band: no band applies."""
NOTHING = -1
"""In place of an asset: the account has no drift to show."""
_THIN = 0.1
"""Equity below this share of what is held and owed loses too many digits."""
_COUNTED = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class Worst:
    """One entry per account asked about, in that order, exact. `asset` is the place of the one that uses most of a band
    (without bands: is furthest from its target) or `NOTHING`, `drift` its actual less target share of equity in
    hundredths of a point, rounded toward zero, `band_used` its share of the band in tenths of a percent, rounded down,
    or `NO_BAND`. `outside`: it breaches a band. `confirmed` counts accounts that the exact form was asked about.
    """

    asset: Places
    drift: Ints
    band_used: Ints
    outside: Flags
    confirmed: int


@dataclass(slots=True, eq=False)
class _Columns:
    """What is filled in, by account asked about. `use` is the largest share of a band in floats, `error` more than it
    errs by; `ask` marks accounts whose figures only the exact form can tell."""

    rows: Rows
    owned: Floats
    equity: Floats
    asset: Places
    drift: Ints
    band_used: Ints
    outside: Flags
    use: Floats
    error: Floats
    ask: Flags


def worst_drifts(frame: BookFrame, rows: Rows) -> Worst:
    """The worst drift of some accounts, each once."""
    count, portfolio = len(rows), frame.accounts.portfolio[rows]
    worth, besides = values_besides(frame)
    cash = dollars(frame.accounts.cash[rows])
    out = _Columns(
        rows=rows,
        owned=besides[rows] + cash,
        equity=np.zeros(count),
        asset=np.full(count, NOTHING, np.int32),
        drift=np.zeros(count, np.int64),
        band_used=np.full(count, NO_BAND, np.int64),
        outside=np.zeros(count, np.bool_),
        use=np.full(count, -np.inf),
        error=np.full(count, ERROR),
        ask=np.zeros(count, np.bool_),
    )
    home = frame.table.block[portfolio]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"), passing_over_rows():
        for number in np.unique(home):
            _of_block(frame, frame.blocks[number], np.flatnonzero(home == number), out)
        if len(worth):
            _besides(frame, worth, out)
    out.ask |= (cash < 0) & (out.equity < (out.equity - 2 * cash) * _THIN)
    out.ask &= portfolio != UNSUBSCRIBED
    asked = np.flatnonzero(out.ask)
    for place in asked:
        exact = exact_account(frame, int(rows[place]))
        worst = exact.worst
        out.asset[place] = frame.assets.place[worst.symbol] if worst else NOTHING
        out.drift[place] = worst.points if worst else 0
        out.band_used[place], out.outside[place] = permille_of(exact), exact.breached
    return Worst(out.asset, out.drift, out.band_used, out.outside, len(asked))


def permille_of(exact: ExactAccount) -> int:
    """The share of a band that an account uses, as it is kept in arrays."""
    return min(exact.use.permille, 2**62) if exact.use else NO_BAND


def _of_block(frame: BookFrame, whole: Block, places: Rows, out: _Columns) -> None:
    """The accounts at some places of those asked about, all of one block."""
    column = frame.column[out.rows[places]]
    order = np.argsort(column)
    places, column = places[order], column[order]
    block = whole
    if len(column) < len(whole.rows):
        block = replace(whole, rows=whole.rows[column], local=whole.local[column], qty=whole.qty[:, column])
    local, table = block.local, frame.table
    prices, inverse = slot_prices(frame, block), inverse_limits(block)
    error = errors(inverse)[local]
    equity = out.owned[places]
    most, slot = _widest(block, prices, inverse, equity, error)
    empty = EmptySlots.of(frame, block)
    tied = np.flatnonzero(slot < 0)
    if len(tied):
        qty, at = block.qty[:, tied], local[tied]
        use = np.abs(qty * prices[:, at] * (10_000 / equity[tied]) - block.target[:, at]) * inverse[:, at]
        slot[tied] = empty.first_of(use >= most[tied] - 2 * error[tied], qty, at)
    ask = slot < 0
    np.copyto(slot, 0, where=ask)
    shares = block.qty[slot, np.arange(len(slot))]
    gap = shares * prices[slot, local] * (10_000 / equity) - block.target[slot, local]
    bare = shares == 0
    size, permille = np.abs(gap), most * 1_000
    unclear = np.abs(size - np.rint(size)) <= ERROR
    unclear |= (np.abs(permille - np.rint(permille)) <= error * 1_000) & (permille > 0.5)
    ask |= unclear & ~bare
    sound = np.isfinite(most) & (equity > 0) & (table.count[block.members] > 0)[local]
    banded = sound & table.banded[block.members][local]
    used = np.floor(np.where(sound, permille, 0))
    np.copyto(used, empty.permille[slot, local], where=bare)
    out.equity[places], out.ask[places] = equity, ask & sound
    out.use[places], out.error[places] = np.where(sound, most, -np.inf), error
    out.asset[places] = np.where(sound, block.asset[slot, local], NOTHING)
    out.drift[places] = np.where(sound, np.trunc(gap), 0)
    out.band_used[places] = np.where(banded, used, NO_BAND)
    out.outside[places] = banded & np.where(bare, empty.outside[slot, local], most > 1)


def _widest(block: Block, prices: Floats, inverse: Floats, equity: Floats, error: Floats) -> tuple[Floats, Ints]:
    """By column the largest share of a band and the slot that uses it, below 0 where more than one may.

    `equity` is what the accounts have besides and is added to.
    """
    most, found = np.empty(len(equity)), np.empty(len(equity), np.int64)
    scale, target = prices * inverse, block.target * inverse
    code = (_COUNTED + np.arange(len(inverse)))[:, None]
    scratch = np.empty(most_cells(block))
    for piece in pieces(block):
        part, qty = piece.part, piece.qty
        cells = scratch[: qty.size].reshape(qty.shape)
        np.copyto(cells, qty)
        equity[part] += np.einsum("sa,sa->a", cells, piece.of(prices))
        cells *= piece.of(scale)
        cells *= 10_000 / equity[part]
        cells -= piece.of(target)
        np.abs(cells, out=cells)
        np.maximum.reduce(cells, axis=0, out=most[part])
        close = cells >= most[part] - 2 * error[part]
        np.add.reduce(close * code, axis=0, out=found[part])
    return most, np.where(found < 2 * _COUNTED, found - _COUNTED, -1)


def _besides(frame: BookFrame, worth: Floats, out: _Columns) -> None:
    """Holdings besides the portfolio, where one of them may be the worst."""
    place_of = np.full(len(frame), -1)
    place_of[out.rows] = np.arange(len(out.rows))
    concerned = place_of[frame.others.account] >= 0
    if not concerned.any():
        return
    row, asset, worth = frame.others.account[concerned], frame.others.asset[concerned], worth[concerned]
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    rows = row[starts]
    places = place_of[rows]
    owner = np.repeat(np.arange(len(rows)), np.diff(np.append(starts, len(worth))))
    table, follows = frame.table, frame.accounts.portfolio[row]
    absolute, relative = table.absolute[follows], table.relative[follows]
    drift = worth * 10_000 / out.equity[place_of[row]]
    use = drift / np.where(absolute > 0, absolute, np.where(relative > 0, np.inf, 1.0))
    most = np.maximum.reduceat(use, starts)
    error = out.error[places]
    rivals = np.add.reduceat((use >= (most - 2 * error)[owner]).astype(np.int64), starts)
    best = np.full(len(rows), -1)
    at = np.flatnonzero(use == most[owner])[::-1]
    best[owner[at]] = at
    wins = most > out.use[places] + 2 * error
    loses = most < out.use[places] - 2 * error
    bare = table.count[frame.accounts.portfolio[rows]] == 0
    size, permille = drift[best], most * 1_000
    unclear = (rivals > 1) | (np.abs(size - np.rint(size)) <= ERROR)
    unclear |= np.abs(permille - np.rint(permille)) <= error * 1_000
    out.ask[places] |= bare | (~loses & (~wins | unclear))
    sure = wins & ~bare & ~unclear & (out.equity[places] > 0)
    mine, at = places[sure], best[sure]
    out.ask[mine] = False
    out.asset[mine] = asset[at]
    out.drift[mine] = np.floor(size[sure])
    banded = absolute[at] > 0
    out.band_used[mine] = np.where(banded, np.floor(permille[sure]), NO_BAND)
    out.outside[mine] = banded & (most[sure] > 1)
