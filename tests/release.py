"""The wheel, as somebody installs it: `python -m tests.release [pytest arguments]`.

Builds the wheel, checks what is in it, installs it with the versions of constraints.txt in an empty environment, runs
the demonstration there, then installs the extra `test` and runs the tests against the installed package: the fast
loop, or the tests that the arguments select. Needs the package registry; takes some minutes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parent.parent
NEVER = ("tests", "__pycache__", ".github", "screenshots")
FAST = ("-m", "not slow")


def expected() -> set[str]:
    """The files of the package, each of which a wheel must have."""
    found = (path for path in (ROOT / "rebal_tui").rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(ROOT).as_posix() for path in found}


def faults(names: Sequence[str]) -> list[str]:
    """What is missing in a wheel and what should not be there."""
    content = {name for name in names if ".dist-info/" not in name}
    found = [f"{name} is missing" for name in sorted(expected() - content)]
    found += [f"{name} should not be in it" for name in sorted(content - expected())]
    return found + [f"{name} should not be in it" for name in names if set(PurePosixPath(name).parts) & set(NEVER)]


def build(folder: Path) -> Path:
    """Build the wheel from a copy of what it is made of. Raises `CalledProcessError`."""
    copy = folder / "source"
    for name in (*expected(), "pyproject.toml", "README.md", "LICENSE"):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(copy)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _run(command: Sequence[str], folder: Path) -> None:
    print("$", *command, flush=True)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    data = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    subprocess.run(command, cwd=folder, env={**environment, **data}, check=True)


def main(arguments: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        found = faults(names)
        print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size:,} bytes", *found, sep="\n")
        if found:
            return 1
        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        pip = [str(programs / "python"), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt")]
        _run([*pip, str(wheel)], folder)
        program = str(programs / "rebal-tui")
        _run([program, "--version"], folder)
        _run([program, "demo", "--headless", "30", "--db", "demo.db"], folder)
        _run([program, "check", "--db", "demo.db"], folder)
        _run([*pip, f"{wheel}[test]"], folder)
        # The tests without the package in the same folder, so that they import the installed one.
        shutil.copytree(ROOT / "tests", folder / "suite" / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        for one in ("pyproject.toml", "README.md", "constraints.txt"):
            shutil.copy(ROOT / one, folder / "suite")
        _run([str(programs / "python"), "-m", "pytest", *(arguments or FAST)], folder / "suite")
    print("all good")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
