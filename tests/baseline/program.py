"""Running the program from its command line, and recording its output without the parts that vary between machines."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

KINDS = ("runs", "orders", "decisions", "accounts", "portfolios", "audit")
"""Everything that can be exported from a book."""
FORMATS = ("json", "csv")
ROOT = Path(__file__).resolve().parents[2]
_COMMAND = re.compile(r"^ {2}([a-z]+) {2,}\S")


@dataclass(frozen=True)
class Program:
    """Runs commands in a folder, isolated from the user's settings and books, and stores their output."""

    work: Path
    target: Path

    def run(self, *arguments: str) -> str:
        """The complete result of a command: its exit code unless 0, stdout and stderr."""
        done = subprocess.run(
            [sys.executable, "-m", "rebal_tui", *arguments],
            capture_output=True, text=True, check=False, cwd=self.work, env=self._environment(), timeout=600,
        )  # fmt: skip
        code = f"exit code {done.returncode}\n" if done.returncode else ""
        beside = f"--- stderr\n{done.stderr}" if done.stderr else ""
        return self._plain(code + done.stdout + beside)

    def keep(self, name: str, *arguments: str) -> None:
        """Run a command and store its output under a name."""
        self.write(name, self.run(*arguments))

    def write(self, name: str, text: str) -> None:
        """Store a text under a name."""
        path = self.target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def keep_book(self, folder: str, db: str) -> None:
        """Store the output for a book: its check, every export, and what an evaluation would decide now."""
        self.keep(f"{folder}/check.txt", "check", "--db", db)
        self.keep(f"{folder}/check.json", "check", "--db", db, "--json")
        self.keep(f"{folder}/evaluate-dry-run.json", "evaluate", "--db", db, "--dry-run", "--json")
        for kind in KINDS:
            for form in FORMATS:
                self.keep(f"{folder}/export-{kind}.{form}", "export", kind, "--format", form, "--db", db)

    def keep_help(self) -> None:
        """Store the help of every command."""
        self._keep_help(())

    def _keep_help(self, command: tuple[str, ...]) -> None:
        text = self.run(*command, "--help")
        self.write(f"help/{' '.join(('rebal-tui', *command))}.txt", text)
        listed = text.partition("\nCommands:\n")[2].partition("\n\n")[0]
        for line in listed.splitlines():
            if match := _COMMAND.match(line):
                self._keep_help((*command, match.group(1)))

    def keep_openapi(self) -> None:
        """Store the OpenAPI document as a sandbox serves it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "rebal_tui", "serve", "--sandbox", "--port", "0", "--json"],
            stdout=subprocess.PIPE, text=True, cwd=self.work, env=self._environment(),
        )  # fmt: skip
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            document: Any = httpx.get(f"{url}/openapi.json", timeout=60).raise_for_status().json()
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        if document["info"]["version"] == version("rebal-tui"):
            document["info"]["version"] = "VERSION"
        self.write("openapi.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")

    def _environment(self) -> dict[str, str]:
        """No user settings and no user book, a fixed terminal width, default hash randomization."""
        clean_environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "REBAL_TUI_"))
        }
        own = {"HOME": str(self.work), "COLUMNS": "80", "NO_COLOR": "1", "PYTHONHASHSEED": "random"}
        return clean_environment | own | {"PYTHONPATH": str(ROOT)}

    def _plain(self, text: str) -> str:
        return text.replace(str(self.work), "WORK")
