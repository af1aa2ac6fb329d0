"""The README shows the program as it is."""

from __future__ import annotations

import re

from rebal_tui.tui.sections import Section
from tests.tui.keys_table import README, with_table
from tests.tui.pictures import FOLDER, SIZES, stem


def test_the_table_of_keys_is_the_registry() -> None:
    text = README.read_text()
    assert with_table(text) == text, "run: python -m tests.tui.keys_table"


def test_every_place_has_its_pictures() -> None:
    wanted = {
        f"{stem(section, size)}.{kind}" for section in Section for size in SIZES[section] for kind in ("svg", "png")
    }
    assert wanted <= {path.name for path in FOLDER.iterdir()}, "run: python -m tests.tui.pictures"


def test_every_picture_the_readme_names_exists() -> None:
    named = re.findall(r"\((screenshots/[^)]+)\)", README.read_text())
    assert named
    assert all((README.parent / name).is_file() for name in named)
