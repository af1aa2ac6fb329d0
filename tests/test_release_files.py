"""The files that a release needs agree with each other: package data, versions, constraints."""

from __future__ import annotations

import fnmatch
import re
import tomllib

from packaging.requirements import Requirement
from packaging.version import Version

from rebal_tui import __version__
from tests import release

PROJECT = tomllib.loads((release.ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_of_the_package_is_in_the_wheel() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["rebal_tui"]
    left_out: list[str] = []
    for path in (release.ROOT / "rebal_tui").rglob("*"):
        name = path.relative_to(release.ROOT / "rebal_tui").as_posix()
        if path.is_dir() or path.suffix in (".py", ".pyc"):
            continue
        # In a pattern of setuptools, `**/` stands for any folders, or none.
        if not any(fnmatch.fnmatch(name, one) or fnmatch.fnmatch(name, one.removeprefix("**/")) for one in patterns):
            left_out.append(f"rebal_tui/{name}")
    assert left_out == []


def test_every_folder_of_the_package_is_a_package() -> None:
    """setuptools leaves out a folder of modules without `__init__.py`."""
    folders = {path.parent for path in (release.ROOT / "rebal_tui").rglob("*.py")}
    assert {folder for folder in folders if not (folder / "__init__.py").exists()} == set()


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["project"]["version"] == __version__
    log = (release.ROOT / "rebal_tui" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(__version__)}\b", log, re.MULTILINE)


def test_the_constraints_have_every_dependency_in_a_version_that_is_allowed() -> None:
    fixed: dict[str, set[Version]] = {}
    for line in (release.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition("==")
            fixed.setdefault(_canonical(name), set()).add(Version(rest.split(";")[0].strip()))
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    wanted += [Requirement(text) for extra in ("api", "live", "web", "xlsx", "test") for text in extras[extra]]
    for one in wanted:
        if _canonical(one.name) == "rebal-tui":
            continue
        found = fixed.get(_canonical(one.name), set())
        assert found, f"{one.name} is missing: python -m tests.constraints"
        assert all(one.specifier.contains(version) for version in found), f"{one} but {found}"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_check_of_a_wheel_names_what_is_missing_and_what_should_not_be_there() -> None:
    names = sorted(release.expected())
    assert release.faults([*names, "rebal_tui-1.dist-info/METADATA"]) == []
    assert release.faults(names[1:]) == [f"{names[0]} is missing"]
    wrong = "rebal_tui/tests/__pycache__/x.pyc"
    assert release.faults([*names, wrong]) == [f"{wrong} should not be in it"] * 2
