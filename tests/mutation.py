"""Mutation testing with mutmut: `python -m tests.mutation kernel|runs [PATTERN...]`. Results: mutation.md.

It works on a copy, in memory if /dev/shm exists, so that the tree may be edited meanwhile. An existing copy is
continued: killed mutants stay killed unless their function changed; the others are tested again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of one's own is made in it
_ENVIRONMENT = {"HYPOTHESIS_PROFILE": "few", "ORACLE_BOOKS": "100"}
_OPTIONS = ["-n0", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:anyio"]


_NOT_KILLED = (0, 5, 33)
"""The exit codes by which mutmut reports a survivor, and a mutant without a test."""


@dataclass(frozen=True)
class Half:
    """The modules to mutate, and the tests that must kill the mutants."""

    mutate: tuple[str, ...]
    spare: tuple[str, ...]
    tests: tuple[str, ...]


HALVES = {
    "kernel": Half(
        ("rebal_tui/domain/*.py", "rebal_tui/engine/*.py"),
        ("rebal_tui/engine/trace_text.py", "rebal_tui/engine/arrays/*"),
        ("tests/domain", "tests/engine", "--ignore-glob=*/test_arrays*"),
    ),
    "runs": Half(
        tuple(
            f"rebal_tui/services/{name}.py"
            for name in (
                "book/work_queue",
                "runs/sending",
                "book/rate_limiter",
                "runs/queueing",
                "runs/finishing",
                "runs/processing",
            )
        ),
        (),
        tuple(
            f"tests/services/{name}.py"
            for name in (
                "book/test_rate_limiter",
                "runs/test_queueing",
                "runs/test_finishing",
                "runs/test_outcomes",
                "runs/test_processing",
                "runs/test_starting",
                "runs/test_sending",
                "broker_sync/test_events",
            )
        ),
    ),
}


def settings(half: Half) -> str:
    """The table of `pyproject.toml` that mutmut reads."""
    lists = {
        "source_paths": ["rebal_tui"],
        "only_mutate": half.mutate,
        "do_not_mutate": half.spare,
        "pytest_add_cli_args": _OPTIONS,
        "pytest_add_cli_args_test_selection": half.tests,
    }
    lines = [f"{name} = {list(values)!r}" for name, values in lists.items()]
    # A mutant that takes far longer than its tests counts as killed by time-out; this limits the wait.
    return "\n".join(["", "[tool.mutmut]", *lines, "timeout_multiplier = 10.0", "timeout_constant = 2.0", ""])


def copied(name: str) -> Path:
    """Copy the current tree to the half's own copy."""
    copy = (_MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir())) / f"rebal-tui-mutation-{name}"
    copy.mkdir(exist_ok=True)
    for part in ("rebal_tui", "tests"):
        shutil.rmtree(copy / part, ignore_errors=True)
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "*.raw", "*.svg"))
    shutil.copy(ROOT / "README.md", copy)
    (copy / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + settings(HALVES[name]))
    return copy


def main(name: str, patterns: Sequence[str]) -> None:
    copy = copied(name)
    for meta in copy.glob("mutants/rebal_tui/**/*.meta"):
        forget_survivors(meta)
    mutmut = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()"]
    environment = {**os.environ, **_ENVIRONMENT}
    subprocess.run([*mutmut, "run", "--max-children", "2", *patterns], cwd=copy, env=environment, check=True)
    results = subprocess.run(
        [*mutmut, "results", "--all", "True"], cwd=copy, env=environment, check=True, capture_output=True, text=True
    ).stdout
    print(report(results))


def forget_survivors(meta: Path) -> None:
    """Make mutmut test the survivors again: the tests may have changed."""
    survivors = json.loads(meta.read_text())
    verdicts = survivors["exit_code_by_key"]
    survivors["exit_code_by_key"] = {mutant: None if code in _NOT_KILLED else code for mutant, code in verdicts.items()}
    meta.write_text(json.dumps(survivors))


def report(results: str) -> str:
    """The score per file and the survivors, from lines of `name: status`."""
    verdicts = [line.strip().rsplit(": ", 1) for line in results.splitlines() if "__mutmut_" in line]
    files: dict[str, Counter[str]] = {}
    for mutant, status in verdicts:
        files.setdefault(mutant.rsplit(".", 1)[0], Counter())[status] += 1
    lines = [f"{mutant}: {status}" for mutant, status in verdicts if status not in ("killed", "timeout")]
    for file, counts in sorted(files.items()):
        killed = counts["killed"] + counts["timeout"]
        lines.append(
            f"{file}: {killed} of {counts.total()} killed, {100 * killed / counts.total():.1f} %; {dict(counts)}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("half", choices=HALVES, help="the modules to mutate")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="only mutants that match, as in '*queueing*'")
    options = parser.parse_args()
    main(options.half, options.patterns)
