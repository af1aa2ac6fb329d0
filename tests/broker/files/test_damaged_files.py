"""A damaged file of positions, transactions or prices is refused or read whole: no other outcome (R-71).

`FUZZ` multiplies the examples.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebal_tui.broker.files.price_file import read_prices
from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.broker.files.transactions_file import read_transactions
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import MAX_NANO
from tests.broker.files import samples
from tests.broker.files.samples_of_trades import TRANSACTIONS

FUZZ = int(os.environ.get("FUZZ", "1"))
_BITS = [b",", b'"', b"\n", b"$", b"(", b"-", b"9" * 30, b"\xff\xfe", b"\x00", b"Total", b";", b"\t", b"e9", b"\xc3"]
PRICES = {
    "rows": b"symbol,price,as_of\nAAA,1250.5,2026-11-27\nBRK/B,7,2026-11-26 16:00\n",
    "comma": b"symbol;price;date\nAAA;1.250,5;27.11.2026\nBBB;7;26.11.2026\n",
    "columns": b"date,AAA,BBB\n2026-11-26,10,8\n2026-11-27,10.5,8\n",
}


def _positions(content: bytes) -> None:
    statement = read_statement(content)
    assert statement.accounts
    for account in statement.accounts:
        assert account.cash == sum(line.amount for line in account.cash_lines)
        assert all(0 < held.qty <= MAX_NANO for held in account.holdings)
        assert len({held.symbol for held in account.holdings}) == len(account.holdings)


def _transactions(content: bytes) -> None:
    for row in read_transactions(content):
        assert row.qty is None or 0 < row.qty <= MAX_NANO
        assert row.price is None or 0 < row.price <= MAX_NANO


def _prices(content: bytes) -> None:
    found = read_prices(content)
    assert found
    assert all(symbol and 0 < one.price <= MAX_NANO for symbol, one in found.items())


READERS: dict[str, tuple[Callable[[bytes], None], bytes]] = {
    **{f"positions {name}": (_positions, content) for name, content in samples.ALL.items()},
    **{f"transactions {name}": (_transactions, text.encode()) for name, text in TRANSACTIONS.items()},
    **{f"prices {name}": (_prices, content) for name, content in PRICES.items()},
}


def _damage(content: bytes) -> st.SearchStrategy[bytes]:
    cut: Callable[[tuple[int, int, bytes]], bytes] = lambda at: content[: at[0]] + at[2] + content[at[0] + at[1] :]  # noqa: E731 - a strategy's step
    return st.tuples(st.integers(0, len(content)), st.integers(0, 40), st.sampled_from([b"", *_BITS])).map(cut)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
@settings(max_examples=20 * FUZZ, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_whole(name: str, data: st.DataObject) -> None:
    read, content = READERS[name]
    read(content)
    with suppress(Invalid):
        read(data.draw(_damage(data.draw(_damage(content)))))


@pytest.mark.slow
@settings(max_examples=50 * FUZZ, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(content: bytes) -> None:
    for read in (_positions, _transactions, _prices):
        with suppress(Invalid):
            read(content)
