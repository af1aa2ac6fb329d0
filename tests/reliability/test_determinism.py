"""A seed gives the same trace in any process and with any hash seed; no raw clock anywhere (G8)."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import rebal_tui
from tests.reliability.settings import SAME_PYTHONS, SAME_SEEDS
from tests.reliability.simulation import simulate

ROOT = Path(rebal_tui.__file__).parent
DAYS = 20
SAME = range(SAME_SEEDS)
RAW = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.monotonic",
    "time.perf_counter", "time.monotonic_ns", "time.perf_counter_ns", "uuid.uuid1", "uuid.uuid4", "os.urandom",
    "random.random", "random.randint", "random.randrange", "random.choice", "random.choices", "random.sample",
    "random.shuffle", "random.uniform", "random.gauss", "random.seed", "random.SystemRandom", "secrets.token_hex",
    "secrets.token_bytes", "secrets.token_urlsafe", "secrets.choice", "secrets.randbelow",
}  # fmt: skip
MODULES = re.compile(r"\b(?:datetime|date|time|uuid|os|random|secrets)\b")
"""A file without any of these words is not parsed."""
ALLOWED = {
    "market/clock.py": {"datetime.now", "time.monotonic"},
    "bootstrap.py": {"time.monotonic", "uuid.uuid4", "secrets.token_bytes", "secrets.token_urlsafe"},
}
"""Where real time and randomness enter; everywhere else they are arguments."""
OUTER = ("tui/", "cli/", "broker/alpaca/", "api/")
"""Outer packages: what they measure and display decides nothing in a book."""


def _hashes(seeds: range, hash_seed: str, python: str = sys.executable) -> list[str]:
    """The trace hashes computed by another process, optionally with another Python."""
    loop = f"for seed in {list(seeds)}: print(simulate(seed, days={DAYS}).hash)"
    code = f"from tests.reliability.simulation import simulate\n{loop}"
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, timeout=600,
        env={**os.environ, "PYTHONHASHSEED": hash_seed}, cwd=ROOT.parent,
    )  # fmt: skip
    return done.stdout.split()


@cache
def _here() -> list[str]:
    """The trace hashes of this process, which are the same a second time."""
    first, second = ([simulate(seed, days=DAYS).hash for seed in SAME] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)
    return first


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("hash_seed", ["1", "77"])
@pytest.mark.samples(1)
def test_a_seed_gives_the_same_trace_in_this_process_and_in_others(hash_seed: str) -> None:
    assert _hashes(SAME, hash_seed) == _here()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not SAME_PYTHONS, reason="SAME_PYTHONS names none")
def test_a_seed_gives_the_same_trace_with_other_pythons() -> None:
    for python in SAME_PYTHONS:
        assert _hashes(SAME, "random", python) == _here(), python


def _raw_calls(tree: ast.AST) -> Iterator[str]:
    """Every use of a raw clock or of randomness, by its module of origin, however it was imported."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in (
            "datetime",
            "time",
            "uuid",
            "random",
            "secrets",
            "os",
        ):
            for alias in node.names:
                plain = alias.name if node.module == "datetime" else f"{node.module}.{alias.name}"
                names[alias.asname or alias.name] = plain
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            text = ast.unparse(node)
            head, _, rest = text.partition(".")
            full = f"{names.get(head, head)}.{rest}".removeprefix("datetime.datetime").removeprefix("datetime.date.")
            yield f"datetime{full}" if full.startswith(".") else full
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and "." in names.get(node.id, ""):
            yield names[node.id]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from datetime import datetime\ndatetime.now()", "datetime.now"),
        ("import datetime\ndatetime.datetime.now()", "datetime.now"),
        ("from datetime import datetime as dt\ndt.utcnow()", "datetime.utcnow"),
        ("import time as t\nt.monotonic()", "time.monotonic"),
        ("from time import perf_counter\nperf_counter()", "time.perf_counter"),
        ("from uuid import uuid4 as new\nnew()", "uuid.uuid4"),
        ("import random\nrandom.choice([1])", "random.choice"),
    ],
)
def test_the_lint_sees_raw_clocks_and_chance(source: str, found: str) -> None:
    assert found in set(_raw_calls(ast.parse(source)))


@pytest.mark.slow
def test_clocks_and_randomness_are_used_only_in_their_modules() -> None:
    faults = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(OUTER):
            continue
        text = path.read_text()
        used = set(_raw_calls(ast.parse(text))) & RAW if MODULES.search(text) else set[str]()
        faults += [f"{name}: {one}" for one in sorted(used - ALLOWED.get(name, set()))]
    assert faults == []
