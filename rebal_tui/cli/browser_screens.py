"""The program that `--web` runs in a process of its own: the screens of one book, drawn for a page in a browser."""

from __future__ import annotations

import sys
from pathlib import Path

from rebal_tui.cli.demo_command import run_screens
from rebal_tui.cli.program import exit_code


def main(path: str) -> int:
    """Run the screens of the book's file at `path`; returns the exit code."""
    return exit_code(lambda: run_screens(Path(path)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
