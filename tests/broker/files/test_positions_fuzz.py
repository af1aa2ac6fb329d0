"""A damaged positions file is refused or read: no other outcome (R-71)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import MAX_NANO
from tests.broker.files import samples

_BITS = [b",", b'"', b"\n", b"$", b"(", b"-", b"9" * 30, b"\xff\xfe", b"\x00", b"Total", b";", b"\t", b"e9", b"\xc3"]


def _damage(content: bytes) -> st.SearchStrategy[bytes]:
    cut: Callable[[tuple[int, int, bytes]], bytes] = lambda at: content[: at[0]] + at[2] + content[at[0] + at[1] :]  # noqa: E731 - a strategy's step
    return st.tuples(st.integers(0, len(content)), st.integers(0, 40), st.sampled_from([b"", *_BITS])).map(cut)


@pytest.mark.parametrize("name", samples.ALL)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_whole(name: str, data: st.DataObject) -> None:
    content = data.draw(_damage(data.draw(_damage(samples.ALL[name]))))
    try:
        statement = read_statement(content)
    except Invalid:
        return
    assert statement.accounts
    for account in statement.accounts:
        assert account.cash == sum(line.amount for line in account.cash_lines)
        assert all(0 < held.qty <= MAX_NANO for held in account.holdings)
        assert len({held.symbol for held in account.holdings}) == len(account.holdings)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(content: bytes) -> None:
    with suppress(Invalid):
        read_statement(content)
