"""Baselines of the program's behavior: outputs in a folder, which prove that a restructuring changes nothing.

`python -m tests.baseline write DIR` writes a baseline, `compare DIR DIR` prints each difference between two, and
`check DIR` writes a new one and compares it. Both also open the books of the first baseline with the current program
and compare its output with the stored one. They exit with 1 if anything differs.

Writing takes about two minutes on two cores; `--jobs` sets the number of processes. With CRASH_POINTS=0 every point of
the crash scenarios is opened, which takes twice as long; compare only baselines written with the same setting.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from tests.baseline import command_items, reliability_items
from tests.baseline.compare import differences

Item = Callable[[Path], None]


def items() -> list[Item]:
    """Every item of a baseline, the long ones first."""
    simulations: list[Item] = [
        partial(reliability_items.write_simulation, seed=seed) for seed in reliability_items.SEEDS
    ]
    crashes: list[Item] = [
        partial(reliability_items.write_crash, name=name) for name in reliability_items.names_of_crashes()
    ]
    faults: list[Item] = [
        partial(reliability_items.write_fault, name=name) for name in reliability_items.names_of_faults()
    ]
    commands = [
        command_items.write_demo, command_items.write_replay, command_items.write_evaluation,
        command_items.write_documents,
    ]  # fmt: skip
    return [*commands, *crashes, *simulations, *faults]


def write(target: Path, jobs: int) -> None:
    """Write a baseline into a folder, which must be new or empty."""
    if target.exists() and any(target.iterdir()):
        raise SystemExit(f"{target} is not empty")
    target.mkdir(parents=True, exist_ok=True)
    started_at = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(item, target) for item in items()]):
            done.result()
    print(f"{target}: {sum(1 for _ in target.rglob('*.*'))} files in {time.monotonic() - started_at:.0f} s")


def compare(first: Path, second: Path) -> int:
    """Print the differences of two baselines, and of recorded and current output for the first one's books."""
    for folder in (first, second):
        if not (folder / command_items.BOOKS).is_dir():
            raise SystemExit(f"{folder} is no baseline")
    found = differences(first, second)
    with tempfile.TemporaryDirectory(prefix="baseline-") as given:
        again = Path(given)
        command_items.reopen(first, again)
        below = f"{command_items.BOOKS}/"
        found += [f"opened again: {text}" for text in differences(first, again, below) if ".db: only in" not in text]
    print("\n".join(found) if found else "equal")
    return 1 if found else 0


def main(arguments: list[str]) -> int:
    """Run the command given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.baseline", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", choices=("write", "compare", "check"))
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--jobs", type=int, default=2, help="how many processes write (2)")
    given = parser.parse_args(arguments)
    if len(given.folders) != (2 if given.command == "compare" else 1):
        parser.error("compare takes two folders, the others one")
    folder: Path = given.folders[0]
    if given.command == "write":
        write(folder, given.jobs)
        return 0
    if given.command == "compare":
        return compare(folder, given.folders[1])
    with tempfile.TemporaryDirectory(prefix="baseline-") as fresh:
        write(Path(fresh), given.jobs)
        return compare(folder, Path(fresh))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
