"""Hostile input: every entry point returns a valid result or our own refusal, and nothing else.

`FUZZ` multiplies the examples: `FUZZ=100` for a long run, where failures are made shorter too.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rebal_tui.domain.errors import Fault, Invalid, Refusal
from rebal_tui.market.closes_file import read_closes
from rebal_tui.services.importing.book_import import import_book
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.parsing.exact_json import read_json
from rebal_tui.services.parsing.portfolio_input import parse_portfolio
from rebal_tui.tui import themes
from rebal_tui.tui.settings import read_settings
from tests.cli.books import book as cli_book
from tests.cli.books import call
from tests.hostile.mutations import RAW, TEXTS, broken
from tests.services.factories import make_book

FUZZ = int(os.environ.get("FUZZ", "1"))


def examples(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if FUZZ > 1 else [])]
    return settings(max_examples=count * FUZZ, deadline=None, suppress_health_check=list(HealthCheck), phases=phases)


def shown(faults: tuple[Fault, ...]) -> None:
    """The message of a refusal is short and safe for a terminal."""
    assert faults
    for fault in faults:
        assert str(fault).isprintable(), fault
        assert len(str(fault)) < 2_000, str(fault)[:200]


BOOK = cli_book(spy="3.5", last="2026-11-20T10:00:00-05:00", restrictions=("ach_return",))


@pytest.mark.slow
@examples(250)
@given(broken(BOOK))
def test_a_broken_book_is_refused_or_imported_whole(data: bytes) -> None:
    try:
        parsed = parse_book(data)
    except Invalid as refusal:
        shown(refusal.faults)
        return
    opened = make_book("2026-11-24 12:00", prices={})
    with suppress(Refusal):
        import_book(opened, parsed)
        assert set(opened.accounts) == {account.id for account in parsed.accounts}
    assert opened.broker.invariants() == []  # type: ignore[attr-defined]
    opened.database.close()


@pytest.mark.slow
@examples(250)
@given(broken(BOOK["portfolios"][0]))
def test_a_broken_portfolio_is_refused_or_sums_to_100(data: bytes) -> None:
    try:
        body = parse_portfolio(read_json(data))
    except Invalid as refusal:
        shown(refusal.faults)
        return
    assert sum(weight.percent for weight in body.weights.assets) + body.weights.cash == 10_000


CLOSES = "date,SPY,TLT\n2020-03-02,300.10,140\n2020-03-03,299.5,141.25\n2020-03-04,,142\n"


@pytest.mark.slow
@examples(250)
@given(st.data())
def test_broken_closes_files_are_refused_or_read(data: st.DataObject) -> None:
    lines = [line.split(",") for line in CLOSES.splitlines()]
    for _ in range(data.draw(st.integers(1, 3))):
        line = data.draw(st.sampled_from(lines))
        offset = data.draw(st.integers(0, len(line) - 1))
        line[offset] = data.draw(st.sampled_from([*RAW, *TEXTS, '"', "a\rb", "=1", "2020-03-02", "1" * 200_001]))
    text = data.draw(st.sampled_from(["\n", "\r\n", "\r", "\x00"])).join(",".join(line) for line in lines)
    try:
        closes = read_closes(io.StringIO(text, newline=""))
    except Invalid as refusal:
        shown(refusal.faults)
        return
    assert all(price is None or price > 0 for row in closes.rows for price in row)


SETTINGS = 'theme = "{}"\ndensity = "{}"\n[book]\nevaluate_minutes = {}\n'
KEYS = '[keys]\n{} = "{}"\n'
TOML = st.sampled_from(
    [
        *TEXTS, "[" * 3_000, "{a=" * 3_000, "9" * 5_000, "1e400", "nan", "1979-05-27T07:32:00Z", "true", "[[]]",
        "0x" + "f" * 4_000,
        ".".join("a" * 3_000), "10:00", "desk.preview", "15",
    ]
)  # fmt: skip


@pytest.mark.slow
@examples(150)
@given(st.lists(TOML, min_size=5, max_size=5))
def test_a_broken_settings_file_is_reported_and_the_defaults_apply(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile-settings.toml"
    path.write_bytes((SETTINGS + KEYS).format(*parts).encode("utf-8", "surrogatepass"))
    read = read_settings(path)
    for fault in read.faults:
        assert str(fault).isprintable()
    assert read.settings.theme in themes.CYCLE


NESTED = {
    "lists": "a = " + "[" * 15_000,
    "tables": "a = " + "{b=" * 5_000,
    "headers": "[" + ".".join("a" * 8_000) + "]",
    "keys": "a" + ".a" * 8_000 + " = 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", NESTED)
def test_endlessly_nested_settings_are_a_fault(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(NESTED[kind], "utf-8")
    (fault, *_) = read_settings(path).faults
    assert len(str(fault)) < 2_000


VALUES = st.sampled_from(
    [*TEXTS, "-", "--", "--db", "1e999", "9" * 5_000, "\udcff", "2026-11-24", "nan", "csv", "/dev/null/x"]
)
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("evaluate", "--book", "{}", "--at", "{}"),
    ("evaluate", "--db", "{}", "--at", "{}", "--dry-run"),
    ("import", "{}", "--db", "{}"),
    ("export", "{}", "--format", "{}"),
    ("replay", "{}", "--from", "{}", "--to", "{}"),
    ("check", "--db", "{}"),
    ("backup", "{}"),
    ("demo", "--accounts", "{}", "--headless", "{}", "--speed", "{}"),
    ("{}", "{}"),
)


@pytest.mark.slow
@examples(120)
@given(st.sampled_from(COMMANDS), st.lists(VALUES, min_size=3, max_size=3))
def test_parameters_are_refused_in_words(command: tuple[str, ...], values: list[str]) -> None:
    """The paths contain no files of the program: no command opens a screen or creates a file."""
    given_values = iter(values)
    arguments = [next(given_values) if part == "{}" else part for part in command]
    if command[0] == "demo" and values[0].strip() == "15":
        return
    outcome = call(*arguments, stdin="")
    assert outcome.code in (0, 1, 2), arguments
    assert "Traceback" not in outcome.err


SIZE = 5_000_000
ACCOUNT = '{"id": "a", "account_number": "1", "name": "N"},'
BOOKS: dict[str, Callable[[], str]] = {
    "brackets": lambda: "[" * SIZE,
    "objects": lambda: '{"a":' * (SIZE // 5),
    "digits": lambda: '{"as_of": ' + "9" * SIZE + "}",
    "decimals": lambda: '{"cash": 0.' + "1" * SIZE + "}",
    "exponents": lambda: "[" + "1e999999999," * (SIZE // 12) + "1]",
    "one string": lambda: '"' + "x" * SIZE + '"',
    "escapes": lambda: '"' + "\\u0041" * (SIZE // 6) + '"',
    "surrogates": lambda: '"' + "\\ud800" * (SIZE // 6) + '"',
    "one key": lambda: "{" + '"a":1,' * (SIZE // 6) + '"a":1}',
    "keys": lambda: "{" + ",".join(f'"k{n}":0' for n in range(SIZE // 11)) + "}",
    "faults": lambda: '{"accounts": [' + ACCOUNT * (SIZE // len(ACCOUNT)) + "{}]}",
    "blanks": lambda: " " * SIZE,
    "quotes": lambda: '"\\' * (SIZE // 2),
}
SHEETS: dict[str, Callable[[], str]] = {
    "one line": lambda: "date," + "A" * SIZE,
    "commas": lambda: "date" + "," * SIZE,
    "quotes": lambda: '"' * SIZE,
    "lines": lambda: "date,SPY\n" + "x\n" * (SIZE // 2),
    "digits": lambda: "date,SPY\n2020-03-02," + "9" * SIZE,
    "one day": lambda: "date,SPY\n" + "2020-03-02,1\n" * (SIZE // 13),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BOOKS)
@pytest.mark.samples(4)
def test_five_megabytes_of_malformed_book_are_refused(kind: str) -> None:
    text = BOOKS[kind]().encode()
    assert in_a_child(lambda: parse_book(text)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHEETS)
@pytest.mark.samples(2)
def test_five_megabytes_of_malformed_closes_are_refused(kind: str) -> None:
    text = SHEETS[kind]()
    assert in_a_child(lambda: read_closes(io.StringIO(text))) == 0


def in_a_child(read: Callable[[], Any]) -> int:
    """The exit of a child process limited to 10 CPU seconds and 300 MB over its initial memory, far above its need."""
    child = os.fork()
    if child == 0:
        os._exit(_bounded(read))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _bounded(read: Callable[[], Any]) -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (_used() + 10, _used() + 11))
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    if pages:
        limit = pages * resource.getpagesize() + 300 * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        read()
    except Invalid as refusal:
        return 0 if all(len(str(fault)) < 2_000 for fault in refusal.faults) else 3
    except BaseException:
        return 2
    return 4


def _used() -> int:
    import resource

    spent = resource.getrusage(resource.RUSAGE_SELF)
    return int(spent.ru_utime + spent.ru_stime)
