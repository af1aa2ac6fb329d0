"""Time from the command to the first paint, compared with a bare Textual program, and the imports before it.

Both programs run alternately in a pseudo-terminal; medians. Imports by package, then the most expensive modules of the
product: self time of each, the minimum of the runs.
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
from tests.benchmarks.report import duration, header, parser, row

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
SHOWN_MODULES = 12
ACCOUNTS = 20
RUNS = 5


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
    found = parser("start_up", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    found.add_argument("--runs", type=int, default=RUNS, metavar="N")
    options = found.parse_args()
    runs = options.runs
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "book.db"
        bootstrap.create_demo(book, accounts=options.accounts).close()
        pairs = [(first_paint(BARE), first_paint(PROGRAM, "--db", str(book))) for _ in range(runs)]
    header("first paint", "elapsed", "processor")
    for what, times in zip(("bare Textual", "rebal-tui"), zip(*pairs, strict=True), strict=True):
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        row(what, duration(wall), duration(cpu))
    durations = [imports() for _ in range(runs)]
    least = Counter({name: min(one[name] for one in durations) for name in durations[0]})
    packages: Counter[str] = Counter()
    for name, micros in least.items():
        packages[name.partition(".")[0] if name.startswith(("rebal_tui", "textual", "rich", "click")) else "other"] += (
            micros
        )
    header("imports before it", "time")
    for name, micros in [*packages.most_common(), ("all", packages.total())]:
        row(name, duration(micros / 1e6))
    own = Counter({name: micros for name, micros in least.items() if name.startswith("rebal_tui")})
    header("most expensive modules", "time")
    for name, micros in own.most_common(SHOWN_MODULES):
        row(f"`{name}`", duration(micros / 1e6))


if __name__ == "__main__":
    main()
