"""The real program in a pseudo-terminal: names never reach the terminal as control sequences."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Invalid
from rebal_tui.services.parsing.book_file import parse_book

pytestmark = pytest.mark.slow

SIZE = (40, 140)
NAMES = (
    "Smith [/] Co",
    "[@click=app.quit]Smith[/]",
    "[b]BRK[B][/b] [[[[",
    "محمد بن سلمان العربي",
    "日本投資信託会社",
    "Ünïcode 🙂🙂👩 Ltd",
    "x" * 200,
    "' \" \\ ${HOME} %s {0}",
)
REFUSED = ("a\x1b[2Jb", "a\x07b", "a\x9b31mb", "a\u202ec", "a\u200bb", "a\nb", "\x1b]52;c;aGk=\x07")
KNOWN = re.compile(
    rb"\x1b(?:\[[0-9;?<>=$ ]*[A-Za-z~]|\]\d+;?[^\x1b\x07]*(?:\x07|\x1b\\)"
    rb"|P[^\x1b]*\x1b\\|_[^\x1b]*\x1b\\|[=>78c()][B0]?)"
)


def book_file(folder: Path, names: tuple[str, ...]) -> Path:
    weights = [{"type": "cash", "percent": "5"}, {"type": "asset", "symbol": "SPY", "percent": "95"}]
    content = {
        "as_of": "2026-03-04T12:00:00-05:00",
        "assets": [{"symbol": "SPY", "name": names[0], "price": "500"}],
        "accounts": [
            {"id": f"a{n}", "account_number": f"90000{n}", "name": name, "cash": "50000.00"}
            for n, name in enumerate(names)
        ],
        "portfolios": [
            {
                "id": f"p{n}",
                "name": name,
                "description": name,
                "weights": weights,
                "cooldown_days": 7,
                "rebalance_conditions": [{"type": "drift_band", "sub_type": "absolute", "percent": "5"}],
            }
            for n, name in enumerate(names)
        ],
        "subscriptions": [{"account_id": f"a{n}", "portfolio_id": f"p{n}"} for n in range(len(names))],
    }
    path = folder / "book.json"
    path.write_text(json.dumps(content))
    return path


def environment(folder: Path) -> dict[str, str]:
    """An environment with its own home directory, so that no user settings or logs are touched."""
    clean_environment = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "PYTHONPATH"}}
    homes = {name: str(folder / name) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")}
    return {**clean_environment, **homes, "TERM": "xterm-256color", "PYTHONUTF8": "1", "TEXTUAL_ANIMATIONS": "none"}


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from rebal_tui.cli import main; main()", *arguments]


class Terminal:
    """The program in a pseudo-terminal, with all bytes that it wrote."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.written = b""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.execve(command[0], command, env)  # noqa: S606
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))

    def read(self, seconds: float, until: bytes = b"") -> bytes:
        """Read output for up to `seconds`; stops once it contains `until`, else after 0.15 s without output."""
        end, start = time.monotonic() + seconds, len(self.written)
        while time.monotonic() < end:
            ready, _, _ = select.select([self._fd], [], [], 0.15)
            if not ready:
                if not until:
                    break
                continue
            try:
                chunk = os.read(self._fd, 65_536)
            except OSError:
                break
            if not chunk:
                break
            self.written += chunk
            if until and until in self.written[start:]:
                break
        return self.written[start:]

    def press(self, keys: bytes, seconds: float = 0.5) -> bytes:
        try:
            os.write(self._fd, keys)
        except OSError:
            return b""
        return self.read(seconds)

    def end(self) -> int:
        """Quit the program and return its exit code; kills it after 10 s and returns -1."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            self.press(b"\x1b", 0.4)
            self.press(b"q", 0.4)
            done, status = os.waitpid(self._pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        return -1


@pytest.mark.parametrize("name", REFUSED, ids=["clear", "bell", "c1", "rtl", "zero-width", "newline", "clipboard"])
def test_a_name_with_a_control_character_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_book(book_file(tmp_path, (name,)).read_bytes())
    assert str(refusal.value).isprintable()


def test_hostile_names_are_plain_text_in_a_terminal(tmp_path: Path) -> None:
    env, database = environment(tmp_path), tmp_path / "book.db"
    source = book_file(tmp_path, NAMES)
    bootstrap.import_file(database, parse_book(source.read_bytes()))
    terminal = Terminal(program("--db", str(database)), env)
    terminal.read(10, b"Smith [/] Co")
    for section in b"23456781":
        terminal.press(bytes([section]))
        terminal.press(b"jj\r")
        terminal.press(b"\x1b", 0.3)
    for key, seen in ((b"8", b"Refresh sessions"), (b"9", b"No run awaits")):
        for _ in range(10):
            if seen in terminal.written:
                break
            terminal.press(b"\x1b", 0.4)
            terminal.press(key, 1.0)
    terminal.press(b"\x10")
    terminal.press(b"smith", 0.6)
    terminal.press(b"\x1b", 0.4)
    terminal.press(b"1", 0.4)
    code = terminal.end()
    assert code == 0
    written = terminal.written
    text = written.decode("utf-8", errors="strict")
    for part in ("Smith [/] Co", "[@click=app.quit]", "日本投資", "محمد", "Refresh sessions", "No run awaits"):
        assert part in text
    rest = KNOWN.sub(b"", written)
    controls = {byte for byte in rest if byte < 32 or byte == 127} - set(b"\r\n\x00\x0f\x0e\x08\t")
    assert controls == set()
    assert not re.search("[\x80-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert b"\x1b]52" not in written, "no name reaches the clipboard"
    assert b"Traceback" not in written
    logged = "".join(one.read_text() for one in tmp_path.rglob("rebal-tui.log"))
    assert "Traceback" not in logged, logged
