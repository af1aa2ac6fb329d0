"""The README and the page of keys show the program as it is."""

from __future__ import annotations

import re
from pathlib import Path

from rebal_tui.services.view_models.standing import GLYPHS, TILE_GLYPHS
from rebal_tui.tui.screens.cash.columns import GROUPS as CASH_GROUPS
from rebal_tui.tui.screens.cash.columns import STEP_MARKS
from rebal_tui.tui.screens.shared.account_lines import VERDICTS
from rebal_tui.tui.screens.shared.glossary import CODE_HEADING, glossary_lines
from rebal_tui.tui.screens.shared.marks import HELD
from rebal_tui.tui.screens.shared.run_lines import STATUSES
from rebal_tui.tui.sections import Section
from tests.tui.keys_table import KEYS, keys_page
from tests.tui.pictures import FOLDER, SIZES, stem

README = Path(__file__).parents[2] / "README.md"
GLOSSARY = README.parent / "rebal_tui" / "GLOSSARY.md"


def test_the_page_of_keys_is_the_registry() -> None:
    assert KEYS.read_text() == keys_page(), "run: python -m tests.tui.keys_table"


def test_every_page_the_readme_links_exists() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert linked
    assert all((README.parent / name).is_file() for name in linked)


def test_the_readme_is_short() -> None:
    assert len(README.read_bytes()) <= 10_240


def test_the_glossary_is_in_alphabetical_order_and_defines_each_term_once() -> None:
    text = GLOSSARY.read_text()
    tables = [text.partition("## Marks")[0], text.partition(CODE_HEADING)[2]]
    terms = [
        [line.split("|")[1].strip().casefold() for line in table.splitlines() if line.startswith("| ")][1:]
        for table in tables
    ]
    assert all(table and table == sorted(table) for table in terms)
    assert len({*terms[0], *terms[1]}) == len(terms[0]) + len(terms[1])


def test_the_program_explains_the_words_of_its_screens_not_those_of_its_code() -> None:
    shown = "\n".join("".join(text for text, _ in line) for line in glossary_lines()(120, 40))
    assert "withdrawable" in shown
    assert "fencing epoch" not in shown


def test_the_glossary_has_every_mark_of_the_lists() -> None:
    named = set(re.findall(r"`([^`]+)`", GLOSSARY.read_text().partition("## Marks")[2]))
    shown = {*GLYPHS.values(), *TILE_GLYPHS.values(), HELD, *(mark for mark, _ in CASH_GROUPS.values())}
    shown |= {mark for group in (VERDICTS, STATUSES, STEP_MARKS) for mark, _ in group.values()}
    assert shown - {" "} <= named


def test_every_section_has_its_pictures() -> None:
    wanted = {
        f"{stem(section, size)}.{kind}" for section in Section for size in SIZES[section] for kind in ("svg", "png")
    }
    assert wanted <= {path.name for path in FOLDER.iterdir()}, "run: python -m tests.tui.pictures"


def test_every_picture_the_readme_names_exists() -> None:
    named = re.findall(r"\((screenshots/[^)]+)\)", README.read_text())
    assert named
    assert all((README.parent / name).is_file() for name in named)
