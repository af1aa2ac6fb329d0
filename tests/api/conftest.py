"""One sandbox server per test module; all of these tests run sequentially in one worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.servers import OPEN, Server, running

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("api"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--sandbox", "--at", OPEN) as one:
        yield one
