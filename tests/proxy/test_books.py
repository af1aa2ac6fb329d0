"""Books behind the proxy: no order on a wrong figure, nobody else affected, all right in the end."""

from __future__ import annotations

import os

import pytest

from tests.proxy.books import run_book

BOOKS = int(os.environ.get("PROXY_BOOKS", "2"))
SESSIONS = int(os.environ.get("PROXY_SESSIONS", "4"))
"""The number of books, and of sessions in each; `tests/README.md` lists both."""


@pytest.mark.slow
@pytest.mark.timeout(0 if SESSIONS > 4 else 180)
@pytest.mark.parametrize("seed", range(BOOKS))
@pytest.mark.samples(1)
def test_a_book_behind_the_proxy_trades_on_true_figures_alone(seed: int) -> None:
    result = run_book(seed, SESSIONS)
    print(result.row())
    assert result.wrong == [], f"seed {seed}"
    assert result.orders
    assert result.injected or result.troubles
