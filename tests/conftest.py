"""Common setup of every test: no animation, and none of the developer's own terminal settings."""

from __future__ import annotations

import gc
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache, partial
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.internal.conjecture import providers

from rebal_tui import bootstrap
from rebal_tui.domain.sessions import Session
from rebal_tui.market import sessions
from rebal_tui.store import migrations
from rebal_tui.store.database import MEMORY, Database
from rebal_tui.store.migrations import Scripts

os.environ["TEXTUAL_ANIMATIONS"] = "none"
for name in ("NO_COLOR", "TEXTUAL_THEME"):
    os.environ.pop(name, None)

# Files of tests are in memory where the system has a folder for that: a book waits for the disk at every commit, and
# what a power cut loses is tested with faults of its own.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a private folder in it
if os.access(SHARED_MEMORY, os.W_OK):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(SHARED_MEMORY))

# With PYTHONDONTWRITEBYTECODE set, every test process and every program it starts would compile the package again: the
# bytecode goes to pytest's cache instead, never next to the sources.
if sys.dont_write_bytecode:
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "pycache")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A screen is tens of thousands of small long-lived objects; rare collections save a seventh of the suite's time.
gc.set_threshold(500_000, 20, 100)

# The same examples each time, so that a failure is caused by the change: a run with LONG=1 has found what the others
# could find. HYPOTHESIS_PROFILE=search tries others.
settings.register_profile("same", derandomize=True, database=None, max_examples=100 if "LONG" in os.environ else 40)
settings.register_profile("search", derandomize=False)
few = (Phase.explicit, Phase.generate)
settings.register_profile("fast", derandomize=True, database=None, max_examples=20)
settings.register_profile("few", derandomize=True, database=None, max_examples=4, phases=few)
profile = os.environ.get("HYPOTHESIS_PROFILE", "same")
settings.load_profile(profile)

# Hypothesis draws constants of the modules that are loaded: the examples would depend on which tests ran before, and
# reading all modules takes seconds in each process.
if profile != "search" and hasattr(providers, "_local_constants"):
    setattr(providers, "_get_local_constants", partial(getattr, providers, "_local_constants"))  # noqa: B010 - private

# The sessions of some years are the same in every book: nearly every test asks for them, and they are made once.
_sessions_of = lru_cache(maxsize=64)(sessions.build_sessions)


def _build_sessions(first: date, last: date) -> list[Session]:
    return list(_sessions_of(first, last))


sessions.build_sessions = _build_sessions

# The schema of a new book is the same for every test: it is made once in a process and copied.
_migrate = migrations.migrate
_new_books: dict[tuple[str, ...], sqlite3.Connection] = {}


def _migrate_or_copy(
    database: Database,
    sets: Iterable[tuple[str, Scripts]],
    before: Callable[[Sequence[str]], None] | None = None,
) -> None:
    sets = list(sets)
    if database.rows("SELECT 1 FROM sqlite_master LIMIT 1"):
        _migrate(database, sets, before)
        return
    # A copy of a file has the mark of a write-ahead log, with which a database in memory could not be serialized.
    kind = "memory" if database.path == MEMORY else "file"
    scripts = (kind, *(text for _, scripts in sets for script in scripts for text in script))
    made = _new_books.get(scripts)
    if made is None:
        _migrate(database, sets, before)
        made = _new_books[scripts] = sqlite3.connect(MEMORY, check_same_thread=False)
        database.connection.backup(made)
    else:
        made.backup(database.connection)


setattr(bootstrap, "migrate", _migrate_or_copy)  # noqa: B010 - the name is not one that bootstrap exports

SNAPSHOT_PYTHON = (3, 11)
"""The Python version of the stored snapshots; another one may draw a screen slightly differently."""
FAST = "not slow"
CONTRACT = Path(__file__).resolve().parent / "api" / "test_api_contract.py"


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr == FAST and "HYPOTHESIS_PROFILE" not in os.environ:
        settings.load_profile("fast")
    chosen = [Path(config.invocation_params.dir, arg.partition("::")[0]).resolve() for arg in config.args]
    if config.option.markexpr != FAST and any(map(CONTRACT.is_relative_to, chosen)):
        # Importing it takes most of a second in every process, and no other test needs it.
        config.pluginmanager.import_plugin("schemathesis.pytest.plugin")
    if config.getoption("--snapshot-update", default=False) and sys.version_info[:2] != SNAPSHOT_PYTHON:
        wanted, here = (".".join(map(str, version)) for version in (SNAPSHOT_PYTHON, sys.version_info[:2]))
        raise pytest.UsageError(
            f"the snapshots are those of Python {wanted} and this is {here}; update them with"
            f" `python{wanted} -m pytest tests/tui --snapshot-update`"
        )


def pytest_sessionfinish() -> None:
    """At its end pytest collects garbage several times, over a heap of a million objects that all tests have left."""
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the cases of a test marked `samples(n)`, keep n, evenly spread; LONG=1 and a case named by its id keep all."""
    if "LONG" in os.environ or any("[" in arg for arg in config.args):
        return
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("samples") is not None:
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out: set[pytest.Item] = set()
    for found in cases.values():
        marker = found[0].get_closest_marker("samples")
        assert marker is not None
        count = min(int(marker.args[0]), len(found))
        kept = {index * len(found) // count for index in range(count)} if count else set()
        left_out.update(item for index, item in enumerate(found) if index not in kept)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The fast loop does not even import a module of slow tests alone."""
    if config.option.markexpr == FAST and collection_path.suffix == ".py" and "::" not in "".join(config.args):
        return "\npytestmark = pytest.mark.slow\n" in collection_path.read_text(encoding="utf-8") or None
    return None
