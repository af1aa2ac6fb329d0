"""From the command to the first paint, next to a bare Textual program: `python -m tests.benchmarks.start_up [RUNS]`.

Both run alternately in a pseudo-terminal; medians. Then the imports before the first paint, by package, and the most
expensive modules of the product; self time of each, the minimum of the runs. Nothing fails because of a time.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rebal_tui import bootstrap
from tests.benchmarks.latency import PROGRAM, Terminal

BARE = """
from textual.app import App
from textual.widgets import Footer, Static
class Bare(App):
    def compose(self):
        yield Static("Worst")
        yield Footer()
Bare().run()
"""
IMPORTED = "import rebal_tui.cli.program, rebal_tui.launch, rebal_tui.tui.screens.desk.screen"
DEAREST = 12


def first_paint(program: str, *arguments: str) -> tuple[float, float]:
    """Seconds and processor seconds until the first screen is painted."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(*arguments, home=Path(folder), program=program)
        try:
            return terminal.until(b"Worst"), terminal.cpu()
        finally:
            terminal.end()


def imports() -> Counter[str]:
    """Self time of each module import in microseconds."""
    imported = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", IMPORTED], capture_output=True, text=True, check=True
    ).stderr
    found: Counter[str] = Counter()
    for line in imported.splitlines():
        own, _, name = line.removeprefix("import time:").split("|")
        if own.strip().isdecimal():
            found[name.strip()] += int(own)
    return found


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "book.db"
        bootstrap.create_demo(book, accounts=20).close()
        pairs = [(first_paint(BARE), first_paint(PROGRAM, "--db", str(book))) for _ in range(runs)]
    print(f"{'first paint':<34}{'seconds':>9}{'processor':>11}")
    for what, times in zip(("bare Textual", "rebal-tui"), zip(*pairs, strict=True), strict=True):
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{what:<34}{wall:>9.2f}{cpu:>11.2f}")
    durations = [imports() for _ in range(runs)]
    least = Counter({name: min(one[name] for one in durations) for name in durations[0]})
    packages: Counter[str] = Counter()
    for name, micros in least.items():
        packages[name.partition(".")[0] if name.startswith(("rebal_tui", "textual", "rich", "click")) else "other"] += (
            micros
        )
    print(f"\n{'imported before it':<34}{'ms':>9}")
    for name, micros in [*packages.most_common(), ("all", packages.total())]:
        print(f"{name:<34}{micros / 1000:>9.1f}")
    own = Counter({name: micros for name, micros in least.items() if name.startswith("rebal_tui")})
    print(f"\n{'our own, dearest first':<34}{'ms':>9}")
    for name, micros in own.most_common(DEAREST):
        print(f"{name:<34}{micros / 1000:>9.1f}")


if __name__ == "__main__":
    main()
