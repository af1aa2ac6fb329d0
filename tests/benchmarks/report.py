"""Options and Markdown output shared by the benchmarks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence


def parser(name: str, doc: str | None) -> argparse.ArgumentParser:
    """A parser for `python -m tests.benchmarks.NAME` that explains itself with the module's docstring."""
    return argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks.{name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def header(*columns: str) -> None:
    """Print the head of a table; all columns but the first are aligned right."""
    print(f"\n| {' | '.join(columns)} |\n|---|{'---:|' * (len(columns) - 1)}", flush=True)


def row(*cells: str) -> None:
    """Print one row of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def notes(lines: Sequence[str]) -> None:
    """Print a list below a table."""
    print("\n" + "\n".join(f"- {line}" for line in lines), flush=True)


def duration(seconds: float) -> str:
    """Seconds with a unit and two or three significant digits, as in `0.45 ms`, `12 ms`, `5.3 s`."""
    if seconds < 0.001:
        return f"{seconds * 1e3:.2f} ms"
    if seconds < 0.01:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"


def ratio(value: float) -> str:
    """A ratio with two or three significant digits, as in `0.03`, `1.6`, `450`."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def processor_seconds() -> float:
    """Processor seconds of this process and of the child processes it has waited for."""
    return sum(os.times()[:4])
