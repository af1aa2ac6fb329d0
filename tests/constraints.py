"""Versions for a reproducible install: `python -m tests.constraints [DATE]` writes constraints.txt, with uv.

Every dependency of the program, its extras and its tests, as released up to DATE (YYYY-MM-DD, today without one), for
Python 3.11 to 3.13 on all systems. uv must be on the path: `pip install uv`.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "constraints.txt"
EXTRAS = ("api", "live", "web", "xlsx", "test")
OLDEST_PYTHON = "3.11"


def head(until: date) -> str:
    """The first lines of the file."""
    return (
        f"# Versions as of {until.isoformat()}, for Python 3.11 to 3.13; written by `python -m tests.constraints`.\n"
        "# Install with them: pip install -c constraints.txt .\n"
    )


def main(until: date) -> None:
    command = [
        "uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", OLDEST_PYTHON, "--quiet",
        "--no-annotate", "--no-header", "--exclude-newer", f"{until.isoformat()}T00:00:00Z",
    ]  # fmt: skip
    for extra in EXTRAS:
        command += ["--extra", extra]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    TARGET.write_text(head(until) + found, encoding="utf-8")
    print(f"wrote {TARGET}: {len(found.splitlines())} packages as of {until}")


if __name__ == "__main__":
    main(date.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else datetime.now().astimezone().date())
