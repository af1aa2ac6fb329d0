"""Coverage per package: `python -m tests.coverage_figures [pytest arguments]` writes the table in README.md.

Runs the fast loop, or the tests that the arguments select, under coverage with all its processes. Lines and branches;
needs the extra `dev`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = Path(__file__).parent / "README.md"
_BEGIN, _END = "<!-- coverage -->", "<!-- end of coverage -->"
_TESTS_FAILED = 1
"""pytest's exit code when it ran all tests and some failed."""
_FAST = ("-m", "not slow")
_SETTINGS = """
[run]
branch = true
source = rebal_tui
parallel = true
concurrency = thread, multiprocessing
patch = subprocess
data_file = {folder}/data
[report]
exclude_also =
    if TYPE_CHECKING:
"""
Counted = tuple[int, int, int, int]
"""Statements and branches of some files: statements, those run, branches, those taken."""


def measured(arguments: Sequence[str]) -> dict[str, Counted]:
    """Run the tests; what was counted in each file, by its path.

    A test that fails, as those of times may under coverage, is named by pytest and counts as run. Raises
    `CalledProcessError` when the tests cannot be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings"
        settings.write_text(_SETTINGS.format(folder=folder))
        command = [sys.executable, "-m", "coverage"]
        environment = {**os.environ, "COVERAGE_RCFILE": str(settings)}
        tests = subprocess.run([*command, "run", "-m", "pytest", *arguments], cwd=ROOT, env=environment, check=False)
        if tests.returncode not in (0, _TESTS_FAILED):
            tests.check_returncode()
        subprocess.run([*command, "combine", "-q"], cwd=ROOT, env=environment, check=True)
        result = Path(folder) / "result.json"
        subprocess.run([*command, "json", "-q", "-o", str(result)], cwd=ROOT, env=environment, check=True)
        files = json.loads(result.read_text())["files"]
    found = {}
    for path, file in files.items():
        total = file["summary"]
        found[path.replace("\\", "/")] = (
            total["num_statements"], total["covered_lines"], total["num_branches"], total["covered_branches"],
        )  # fmt: skip
    return found


def table(files: Mapping[str, Counted]) -> list[str]:
    """A row for each package, those of `services/` and `engine/` by their parts, and one for all."""
    packages: defaultdict[str, list[Counted]] = defaultdict(list)
    for path, counted in files.items():
        parts = Path(path).parts[1:-1]
        packages["/".join(parts[: 2 if parts[:1] == ("services",) else 1]) or "(top)"].append(counted)
    lines = ["| package | statements | run | branches | taken |", "|---|---:|---:|---:|---:|"]
    return [
        *lines,
        *(_row(f"`{name}`", packages[name]) for name in sorted(packages) if any(map(any, packages[name]))),
        _row("all", list(files.values())),
    ]


def _row(name: str, files: Sequence[Counted]) -> str:
    statements, run, branches, taken = (sum(column) for column in zip(*files, strict=True))
    return f"| {name} | {statements:,} | {_percent(run, statements)} | {branches:,} | {_percent(taken, branches)} |"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def main(arguments: Sequence[str]) -> None:
    chosen = tuple(arguments) or _FAST
    lines = table(measured(chosen))
    what = "the fast loop" if chosen == _FAST else f"`pytest {' '.join(chosen)}`"
    day = f"{datetime.now().astimezone():%d %B %Y}".lstrip("0")
    text = "\n".join([_BEGIN, f"{day}, {what}:", "", *lines, _END])
    old = TARGET.read_text(encoding="utf-8")
    TARGET.write_text(re.sub(f"{_BEGIN}.*{_END}", lambda _: text, old, flags=re.DOTALL), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
