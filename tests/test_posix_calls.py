"""Calls that only POSIX systems have stand in `systems.py` and in modules that Windows does not import."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rebal_tui

PACKAGE = Path(rebal_tui.__file__).parent
ALLOWED = {"systems.py", "tui/terminal/driver.py", "tui/terminal/writer.py"}
GUARDED = {
    "tui/robust_app.py": {"os.getsid", "signal.SIGTSTP"},
    "credentials.py": {"os.getuid"},
}
"""Calls behind a test of `sys.platform` in the same condition."""
MODULES = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp"}
NAMES = {
    "os": {
        "fork", "getuid", "geteuid", "getgid", "getsid", "setsid", "getpgid", "killpg", "link", "chown", "fchmod",
        "mkfifo", "openpty", "ttyname", "statvfs", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "WNOHANG", "waitstatus",
    },
    "signal": {"SIGHUP", "SIGTSTP", "SIGCONT", "SIGSTOP", "SIGKILL", "SIGUSR1", "SIGPIPE", "SIGWINCH", "alarm"},
    "select": {"poll", "epoll"},
}  # fmt: skip


WORDS = re.compile(rf"\b(?:{'|'.join((*MODULES, *NAMES))})\b")
"""A file without any of these words is not parsed."""


def posix_names(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    for node in ast.walk(ast.parse(text)) if WORDS.search(text) else ():
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in MODULES:
                yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names if a.name in NAMES.get(node.module, ()))
        elif isinstance(node, ast.Attribute) and isinstance(owner := node.value, ast.Name):
            yield from [f"{owner.id}.{node.attr}"] if node.attr in NAMES.get(owner.id, ()) else []


@pytest.mark.slow
def test_posix_calls_stand_where_windows_does_not_meet_them() -> None:
    found = {
        (name, call)
        for path in PACKAGE.rglob("*.py")
        if (name := path.relative_to(PACKAGE).as_posix()) not in ALLOWED
        for call in posix_names(path)
        if call not in GUARDED.get(name, ())
    }
    assert not found


def test_the_scan_knows_the_calls_of_the_module_of_differences() -> None:
    assert {"signal.SIGHUP", "os.link", "resource"} <= set(posix_names(PACKAGE / "systems.py"))
