"""The worst asset of each requested account with its drift and band usage, exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rebal_tui.engine.arrays.band_usage import DRIFT_ERROR_BPS, Rows, band_usages, usage_errors
from rebal_tui.engine.arrays.exact import ExactAccount, exact_account
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED, BookFrame
from rebal_tui.engine.arrays.kernels import (
    dollars,
    inverse_limits,
    max_piece_cells,
    other_holding_values,
    pieces,
    row_wise_iteration,
    slot_prices,
)
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Floats, Indexes, Ints
from rebal_tui.engine.arrays.rule_columns import rule_columns
from rebal_tui.engine.arrays.rule_targets import rule_targets
from rebal_tui.engine.arrays.rule_worst import boxed_worst
from rebal_tui.engine.arrays.zero_holdings import ZeroHoldings

NO_BAND = -1
"""Placeholder for a band usage: no band applies."""
NO_ASSET = -1
"""Placeholder for an asset index: the account has no drift."""
_MIN_EQUITY_SHARE = 0.1
"""Below this share of holdings plus cash owed, equity is a difference that loses too many digits."""
_COUNT_UNIT = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class WorstDrifts:
    """One entry per requested account, in the order requested, exact.

    `asset` is the index of the asset with the largest band usage (without bands: farthest from its target) or
    `NO_ASSET`. `drift` is this asset's drift in hundredths of a percentage point, rounded half to even. `band_used` is
    its band usage in tenths of a percent, rounded down, or `NO_BAND`. `outside` is whether the asset exceeds a band.
    `confirmed` counts accounts decided by the exact form.
    """

    asset: Indexes
    drift: Ints
    band_used: Ints
    outside: Flags
    confirmed: int


@dataclass(slots=True, eq=False)
class _Columns:
    """Results by requested account, while they are computed.

    `owned` is cash plus the holdings outside of portfolios, in dollars. `usage` is the largest band usage in floats,
    `error` an upper bound on the error of `usage`. `needs_exact` marks accounts for the exact form.
    """

    rows: Rows
    owned: Floats
    equity: Floats
    asset: Indexes
    drift: Ints
    band_used: Ints
    outside: Flags
    usage: Floats
    error: Floats
    needs_exact: Flags


def worst_drifts(frame: BookFrame, rows: Rows) -> WorstDrifts:
    """The worst drift of each account in `rows`, which has no row twice."""
    count, portfolio = len(rows), frame.accounts.portfolio[rows]
    worth, other_totals = other_holding_values(frame)
    cash = dollars(frame.accounts.cash[rows] - frame.accounts.reserved[rows])
    out = _Columns(
        rows=rows,
        owned=other_totals[rows] + cash,
        equity=np.zeros(count),
        asset=np.full(count, NO_ASSET, np.int32),
        drift=np.zeros(count, np.int64),
        band_used=np.full(count, NO_BAND, np.int64),
        outside=np.zeros(count, np.bool_),
        usage=np.full(count, -np.inf),
        error=np.full(count, DRIFT_ERROR_BPS),
        needs_exact=np.zeros(count, np.bool_),
    )
    block_number = frame.table.block[portfolio]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"), row_wise_iteration():
        for number in np.unique(block_number):
            _of_block(frame, frame.blocks[number], np.flatnonzero(block_number == number), out)
        if len(worth):
            _other_holdings(frame, worth, out)
    out.needs_exact |= (cash < 0) & (out.equity < (out.equity - 2 * cash) * _MIN_EQUITY_SHARE)
    if frame.accounts.rules:
        _under_rules(frame, out)
    out.needs_exact &= portfolio != UNSUBSCRIBED
    exact_rows = np.flatnonzero(out.needs_exact)
    for index in exact_rows:
        exact = exact_account(frame, int(rows[index]))
        worst = exact.worst
        out.asset[index] = frame.assets.index[worst.symbol] if worst else NO_ASSET
        out.drift[index] = worst.points if worst else 0
        out.band_used[index], out.outside[index] = permille_of(exact), exact.breached
    return WorstDrifts(out.asset, out.drift, out.band_used, out.outside, len(exact_rows))


def _under_rules(frame: BookFrame, out: _Columns) -> None:
    """Measure accounts with restrictions against their reachable targets (R-61)."""
    columns = rule_columns(frame)
    entry = columns.index[out.rows]
    concerned = np.flatnonzero(entry >= 0)
    concerned = concerned[(columns.boxed | columns.exact)[entry[concerned]]]
    if not len(concerned):
        return
    entry = entry[concerned]
    usages = band_usages(frame)
    found = boxed_worst(frame, usages, rule_targets(frame, usages, columns), entry[columns.boxed[entry]], NO_BAND)
    out.asset[concerned], out.drift[concerned] = found.asset[entry], found.drift[entry]
    out.band_used[concerned], out.outside[concerned] = found.band_used[entry], found.outside[entry]
    out.needs_exact[concerned] = ~found.sure[entry]


def permille_of(exact: ExactAccount) -> int:
    """Band usage in tenths of a percent as the arrays store it: at most 2**62, `NO_BAND` when no band applies."""
    return min(exact.usage.permille, 2**62) if exact.usage else NO_BAND


def _of_block(frame: BookFrame, whole: Block, indexes: Rows, out: _Columns) -> None:
    """Fill in `out` at `indexes`; the accounts at these indexes are all in the block `whole`."""
    column = frame.column[out.rows[indexes]]
    order = np.argsort(column)
    indexes, column = indexes[order], column[order]
    block = whole
    if len(column) < len(whole.rows):
        block = replace(whole, rows=whole.rows[column], local=whole.local[column], qty=whole.qty[:, column])
    local, table = block.local, frame.table
    prices, inverse = slot_prices(frame, block), inverse_limits(block)
    error = usage_errors(inverse)[local]
    equity = out.owned[indexes]
    most, slot = _widest(block, prices, inverse, equity, error)
    empty = ZeroHoldings.of(frame, block)
    tied = np.flatnonzero(slot < 0)
    if len(tied):
        # Slots without holdings have exact figures, so ties among them alone are decided here. Many accounts have such
        # ties: with a relative band, every slot without a holding uses the band equally.
        qty, at = block.qty[:, tied], local[tied]
        usage = np.abs(qty * prices[:, at] * (10_000 / equity[tied]) - block.target[:, at]) * inverse[:, at]
        slot[tied] = empty.first_of(usage >= most[tied] - 2 * error[tied], qty, at)
    needs_exact = slot < 0
    np.copyto(slot, 0, where=needs_exact)
    shares = block.qty[slot, np.arange(len(slot))]
    gap = shares * prices[slot, local] * (10_000 / equity) - block.target[slot, local]
    zero_holding = shares == 0
    # Rounding is certain unless the float is within its error of a number at which the result changes: n + 1/2 for the
    # drift, n for the permille, which is rounded down. A permille near 0 is 0 on either side.
    permille = most * 1_000
    unclear = _near_half(gap)
    unclear |= (np.abs(permille - np.rint(permille)) <= error * 1_000) & (permille > 0.5)
    needs_exact |= unclear & ~zero_holding
    valid = np.isfinite(most) & (equity > 0) & (table.count[block.members] > 0)[local]
    banded = valid & table.banded[block.members][local]
    used = np.floor(np.where(valid, permille, 0))
    np.copyto(used, empty.permille[slot, local], where=zero_holding)
    out.equity[indexes], out.needs_exact[indexes] = equity, needs_exact & valid
    out.usage[indexes], out.error[indexes] = np.where(valid, most, -np.inf), error
    out.asset[indexes] = np.where(valid, block.asset[slot, local], NO_ASSET)
    out.drift[indexes] = np.where(valid, np.rint(gap), 0)
    out.band_used[indexes] = np.where(banded, used, NO_BAND)
    out.outside[indexes] = banded & np.where(zero_holding, empty.outside[slot, local], most > 1)


def _near_half(drift: Floats) -> Flags:
    """Whether a drift in hundredths of a percentage point is so near n + 1/2 that its rounding is not sure."""
    return np.asarray(np.abs(drift - np.floor(drift) - 0.5) <= DRIFT_ERROR_BPS)


def _widest(block: Block, prices: Floats, inverse: Floats, equity: Floats, error: Floats) -> tuple[Floats, Ints]:
    """By column, the largest band usage and the slot of the asset that has it.

    The slot is negative when several slots are within the error of the largest usage. On entry, `equity` is cash plus
    the holdings outside of portfolios; the block's holdings are added to it, without a copy.
    """
    most, found = np.empty(len(equity)), np.empty(len(equity), np.int64)
    scale, target = prices * inverse, block.target * inverse
    # One sum yields the number of close slots in its high 32 bits and, when there is one, its index in the low bits.
    # The indexes of all slots of a block, at most 65,536, sum to less than 2**32: they never carry into the count.
    code = (_COUNT_UNIT + np.arange(len(inverse)))[:, None]
    scratch = np.empty(max_piece_cells(block))
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
        # With an error of at most `error` each, two usages can only change order if they differ by at most twice that.
        close = cells >= most[part] - 2 * error[part]
        np.add.reduce(close * code, axis=0, out=found[part])
    return most, np.where(found < 2 * _COUNT_UNIT, found - _COUNT_UNIT, -1)


def _other_holdings(frame: BookFrame, worth: Floats, out: _Columns) -> None:
    """Update `out` for accounts whose worst drift may be that of a holding outside the portfolio.

    `worth` is the dollar value of each holding in `frame.others`.
    """
    index_of = np.full(len(frame), -1)
    index_of[out.rows] = np.arange(len(out.rows))
    concerned = index_of[frame.others.account] >= 0
    if not concerned.any():
        return
    row, asset, worth = frame.others.account[concerned], frame.others.asset[concerned], worth[concerned]
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    rows = row[starts]
    indexes = index_of[rows]
    owner = np.repeat(np.arange(len(rows)), np.diff(np.append(starts, len(worth))))
    table, follows = frame.table, frame.accounts.portfolio[row]
    absolute, relative = table.absolute[follows], table.relative[follows]
    drift = worth * 10_000 / out.equity[index_of[row]]
    usage = drift / np.where(absolute > 0, absolute, np.where(relative > 0, np.inf, 1.0))
    most = np.maximum.reduceat(usage, starts)
    error = out.error[indexes]
    rivals = np.add.reduceat((usage >= (most - 2 * error)[owner]).astype(np.int64), starts)
    best = np.full(len(rows), -1)
    # NumPy keeps the last value assigned to an index, so in reverse order the first of equal holdings remains.
    at = np.flatnonzero(usage == most[owner])[::-1]
    best[owner[at]] = at
    wins = most > out.usage[indexes] + 2 * error
    loses = most < out.usage[indexes] - 2 * error
    zero_holding = table.count[frame.accounts.portfolio[rows]] == 0
    size, permille = drift[best], most * 1_000
    unclear = (rivals > 1) | _near_half(size)
    unclear |= np.abs(permille - np.rint(permille)) <= error * 1_000
    out.needs_exact[indexes] |= zero_holding | (~loses & (~wins | unclear))
    sure = wins & ~zero_holding & ~unclear & (out.equity[indexes] > 0)
    mine, at = indexes[sure], best[sure]
    out.needs_exact[mine] = False
    out.asset[mine] = asset[at]
    out.drift[mine] = np.rint(size[sure])
    banded = absolute[at] > 0
    out.band_used[mine] = np.where(banded, np.floor(permille[sure]), NO_BAND)
    out.outside[mine] = banded & (most[sure] > 1)
