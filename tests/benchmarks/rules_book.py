"""Evaluation of a whole book with restrictions, or with whole shares everywhere, compared with one without rules.

Medians of processor time, run in turn; ratios are medians of those of each turn. Each restricted account has one to
three restrictions of lines that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np

from rebal_tui.domain.trading_rules import (
    RangeUnit,
    RestrictionKind,
    RestrictionScope,
    TradeRestriction,
    TradingRules,
)
from rebal_tui.engine.arrays.decide import decide
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.sweep import sweep
from tests.benchmarks import frames
from tests.benchmarks.report import duration, header, notes, parser, ratio, row
from tests.benchmarks.whole_book import times_in_turn

_KINDS = (
    RestrictionKind.NO_SELL,
    RestrictionKind.NO_BUY,
    RestrictionKind.LOCK,
    RestrictionKind.RANGE,
    RestrictionKind.UNMANAGED,
)
_SHARE = 0.05
ROUNDS = 25


def with_restrictions(frame: BookFrame, share: float = _SHARE, seed: int = 3) -> BookFrame:
    """The book with restrictions on some of its accounts."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(frame), int(len(frame) * share), replace=False))
    return _under(frame, ((row, TradingRules(_restrictions(frame, row, rng))) for row in rows.tolist()))


def in_whole_shares(frame: BookFrame) -> BookFrame:
    """The book in which every account trades whole shares."""
    rules = TradingRules(whole_shares=True)
    return _under(frame, ((row, rules) for row in range(len(frame))))


def _under(frame: BookFrame, rules: Iterable[tuple[int, TradingRules]]) -> BookFrame:
    return replace(frame, accounts=replace(frame.accounts, rules=dict(rules)))


def _restrictions(frame: BookFrame, account: int, rng: np.random.Generator) -> tuple[TradeRestriction, ...]:
    symbols = list(frame.holdings(account))
    chosen = rng.choice(len(symbols), rng.integers(1, 4), replace=False)
    return tuple(_restriction(symbols[one], _KINDS[rng.integers(len(_KINDS))]) for one in chosen)


def _restriction(symbol: str, kind: RestrictionKind) -> TradeRestriction:
    made = TradeRestriction("", RestrictionScope.ACCOUNT, kind, "low basis", symbol)
    if kind is RestrictionKind.RANGE:
        return replace(made, minimum=100, maximum=2_000, unit=RangeUnit.PERCENT)
    return made


def _relative(times: Mapping[str, Sequence[float]], name: str) -> float:
    """The median of the time of a book to that of the book without rules in the same turn."""
    return median(one / plain for one, plain in zip(times[name], times["no rules"], strict=True))


def main() -> None:
    found = parser("rules_book", __doc__)
    found.add_argument("--accounts", type=int, default=100_000, metavar="N", help="size of the book (%(default)s)")
    accounts = found.parse_args().accounts
    plain = frames.book(accounts)
    books = {
        "no rules": plain,
        "restrictions on 5 % of the accounts": with_restrictions(plain),
        "whole shares in every account": in_whole_shares(plain),
    }
    day = frames.today(plain)
    decided = times_in_turn({name: partial(decide, book, day) for name, book in books.items()}, ROUNDS)
    swept = times_in_turn({name: partial(sweep, book, day) for name, book in books.items()}, ROUNDS)
    header(f"{accounts:,} accounts", "evaluation", "÷ no rules", "sweep", "÷ no rules", "confirmed exactly")
    for name, book in books.items():
        row(
            name,
            duration(median(decided[name])),
            ratio(_relative(decided, name)),
            duration(median(swept[name])),
            ratio(_relative(swept, name)),
            f"{decide(book, day).confirmed:,}",
        )
    notes(["The exact form decides what is not certain by floats with a margin, and gives every account's trace."])


if __name__ == "__main__":
    main()
