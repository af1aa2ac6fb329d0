"""Latency of the program over a large book in a pseudo-terminal of 160 × 50, from a key to the bytes of its frame.

Prices move with every heartbeat and the whole book is evaluated twice a minute, as a demonstration at thirty times
real speed does; each key is pressed when the one before it was answered. An empty Textual program that counts keys is
pressed alternately: at most 1.5 × its median and 3 × its 95 % are expected. The processor time is that of the thread
with the screens, which other programs on the machine change least. Without `--book` a demonstration is created.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path
from typing import NamedTuple

from rebal_tui import bootstrap
from tests.benchmarks.report import duration, header, parser, row

ACCOUNTS = 100_000
PRESSES = 40
SPEED = 30.0
SIZE = (50, 160)
QUIET = 0.004
IDLE_SECONDS = 20
REST_SECONDS = 0.3
"""After a key that opens or closes the filter: an escape alone is known as such after a tenth of a second, and a key
that comes before is taken as the rest of a sequence, or answered by the frames of the one before it."""
KEYS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("cursor down", (b"j",)),
    ("page down", (b"\x1b[6~",)),
    ("last row, first row", (b"\x1b[F", b"\x1b[H")),
    ("order by the next column", (b"s",)),
    ("reverse the order", (b"S",)),
    ("next filter", (b"t",)),
)
FILTER = b"an ruiz"
LETTER = "a letter typed into the filter"
EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    keys = 0
    def compose(self):
        yield Static("keys 0")
    def on_key(self):
        self.keys += 1
        self.query_one(Static).update(f"keys {self.keys}")
Empty().run()
"""
"""The least that a Textual program does for a key: one line of text changes."""
PROGRAM = "from rebal_tui.cli import main; main()"


class Press(NamedTuple):
    """Milliseconds from a key to the first and to the last bytes of its frame, and of processor time for both."""

    first: float
    last: float
    cpu: float


class Terminal:
    """A program in its own pseudo-terminal."""

    def __init__(self, *arguments: str, home: Path, program: str = PROGRAM) -> None:
        names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
        env = {**os.environ, **{name: str(home) for name in names}, "TERM": "xterm-256color"}
        command = [sys.executable, "-c", program, *arguments]
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, env)  # noqa: S606
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))

    def read(self, seconds: float) -> bytes:
        """The bytes that arrive within a timeout, empty without any."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        return os.read(self.fd, 1 << 20) if ready else b""

    def until(self, text: bytes, seconds: float = 60.0) -> float:
        """Seconds from the start until a text is written."""
        seen, end = b"", time.perf_counter() + seconds
        while text not in seen:
            if time.perf_counter() > end:
                raise TimeoutError(f"{text!r} was not written: {seen[-2000:]!r}")
            seen = seen[-4096:] + self.read(0.5)
        return time.perf_counter() - self.started

    def press(self, key: bytes) -> Press:
        """Press a key, and wait for its bytes until the output is quiet."""
        while self.read(QUIET):
            pass
        started_at, used = time.perf_counter(), self.screens_cpu()
        os.write(self.fd, key)
        if not self.read(2.0):
            return Press(float("nan"), float("nan"), float("nan"))
        first = last = time.perf_counter()
        while self.read(QUIET):
            last = time.perf_counter()
        return Press((first - started_at) * 1000, (last - started_at) * 1000, self.screens_cpu() - used)

    def screens_cpu(self) -> float:
        """Milliseconds of processor time that the main thread used so far."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()[0]) / 1e6

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Megabytes in memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def rest(self, seconds: float) -> None:
        """Press nothing, and read what is written."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def share(self, seconds: float) -> float:
        """Percent of a processor used during an interval."""
        before = self.cpu()
        self.rest(seconds)
        return (self.cpu() - before) / seconds * 100

    def end(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        while self.fd >= 0:
            try:
                if not os.read(self.fd, 1 << 20):
                    break
            except OSError:
                break
        os.waitpid(self.pid, 0)


Times = list[Press]


@contextmanager
def started(program: str, *arguments: str) -> Iterator[Terminal]:
    """A program in a terminal, ended at the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(*arguments, home=Path(folder), program=program)
        try:
            yield terminal
        finally:
            terminal.end()


def median_and_high(times: Times) -> tuple[float, float]:
    """The median of the first bytes, and within how many milliseconds 95 % arrive."""
    first = sorted(press.first for press in times)
    return statistics.median(first), first[len(first) * 95 // 100]


def line(what: str, times: Times, empty: Times) -> None:
    """A row of the table; times of the program and of the empty one that were measured alternately."""
    (median, high), (least, least_high) = median_and_high(times), median_and_high(empty)
    last = statistics.median(press.last for press in times)
    cpu, least_cpu = (statistics.median(press.cpu for press in some) for some in (times, empty))
    figures = f"{median:.1f} ms", f"{high:.1f} ms", f"{median / least:.2f}", f"{high / least_high:.2f}"
    processor = f"{cpu:.1f} ms", f"{cpu / least_cpu:.2f}"
    row(what, *figures, f"{least:.1f} ms", f"{least_high:.1f} ms", *processor, f"{last:.0f} ms")


def alternately(terminal: Terminal, empty: Terminal, keys: Sequence[bytes]) -> tuple[Times, Times]:
    """Press keys in the program and in the empty one, in turn."""
    pairs = [(terminal.press(key), empty.press(b"j")) for key in keys]
    return [one for one, _ in pairs], [other for _, other in pairs]


def typed_letters(terminal: Terminal, empty: Terminal, times: int) -> tuple[Times, Times]:
    """Type a filter several times."""
    typed: Times = []
    least: Times = []
    for _ in range(times):
        terminal.press(b"/")
        terminal.rest(REST_SECONDS)
        one, other = alternately(terminal, empty, [bytes([letter]) for letter in FILTER])
        typed, least = typed + one, least + other
        terminal.press(b"\x1b")
        terminal.rest(REST_SECONDS)
    return typed, least


def measure(book: Path, presses: int, only: str = "") -> None:
    """`only` names the keys to measure, in part; with it, processor time and memory without keys are not measured."""
    with started(PROGRAM, "--db", str(book)) as terminal, started(EMPTY) as empty:
        empty.until(b"keys 0")
        painted, painted_cpu = terminal.until(b"Worst"), terminal.cpu()
        loaded, loaded_cpu, loaded_memory = terminal.until(b" NY"), terminal.cpu(), terminal.memory()
        terminal.share(3)
        header(
            "key", "median", "95 % within", "× empty", "× empty, 95 %", "empty", "empty, 95 %", "processor",
            "processor, × empty", "last bytes",
        )  # fmt: skip
        for what, keys in KEYS:
            if only in what:
                line(what, *alternately(terminal, empty, [keys[n % len(keys)] for n in range(presses)]))
        if only in LETTER:
            line(LETTER, *typed_letters(terminal, empty, max(presses // len(FILTER), 2)))
        if only:
            return
        streaming, memory = terminal.share(10), terminal.memory()
        os.write(terminal.fd, b"z")
        terminal.until(b"PAUSED", 120)
        terminal.share(3)
        idle = terminal.share(IDLE_SECONDS)
    header("program", "elapsed", "processor", "memory")
    row("first paint", duration(painted), duration(painted_cpu), "")
    row("the book on the screen", duration(loaded), duration(loaded_cpu), f"{loaded_memory:.0f} MB")
    row("while prices stream", "", f"{streaming:.1f} %", f"{memory:.0f} MB")
    row("while the simulation is paused", "", f"{idle:.1f} %", "")


def main() -> None:
    found = parser("latency", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N", help="accounts of a created book")
    found.add_argument("--book", type=Path, metavar="FILE", help="a demonstration's file; created if missing")
    found.add_argument("--only", default="", metavar="TEXT", help="only the keys whose name contains it")
    found.add_argument("--presses", type=int, default=PRESSES, metavar="N", help="presses of each key")
    options = found.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        book = options.book or Path(folder, "book.db")
        if not book.exists():
            bootstrap.create_demo(book, accounts=options.accounts, speed=SPEED).close()
        measure(book, options.presses, options.only)


if __name__ == "__main__":
    main()
