"""The documents of the benchmarks: sections, figures, the table of the README, help."""

from __future__ import annotations

import runpy
import sys
from datetime import date

import pytest

from tests.benchmarks import results
from tests.benchmarks.__main__ import main

TABLE = "first\n\n| a | b |\n|---|---:|\n| x | 1 ms |"
DOCUMENT = results.write_sections({"Streaming prices": TABLE, "Start-up": "last"})


def test_replacing_a_section_leaves_the_others() -> None:
    sections = results.read_sections(results.replace_section(DOCUMENT, "prices", "new\n\ntext"))

    assert sections == {"Streaming prices": "new\n\ntext", "Start-up": "last"}


def test_replacing_a_section_with_its_own_text_changes_nothing() -> None:
    body = results.read_sections(DOCUMENT)["Streaming prices"]

    assert results.replace_section(DOCUMENT, "prices", body) == DOCUMENT


@pytest.mark.parametrize("document", [DOCUMENT, results.write_sections({}), ""], ids=["others", "none", "no file"])
def test_a_new_section_is_added_in_the_order_of_the_titles(document: str) -> None:
    found = results.replace_section(document, "whole_day", "between")

    expected = {**results.read_sections(document), "A day when every account rebalances": "between"}
    assert results.read_sections(found) == expected
    assert list(results.read_sections(found)) == [title for title in results.TITLES.values() if title in expected]


def test_an_unknown_heading_is_refused() -> None:
    with pytest.raises(KeyError, match="Other"):
        results.write_sections({"Other": ""})


def test_a_section_states_what_it_measures_its_command_date_and_machine() -> None:
    body = results.section("prices", "\n| a |\n", date(2026, 11, 28), "2 cores")

    assert body == f"{results.summary('prices')}\n\n`python -m tests.benchmarks.prices`, 2026-11-28: 2 cores.\n\n| a |"


def test_a_figure_is_found_by_row_and_column() -> None:
    body = "| a | b | c |\n|---|---:|---:|\n| x | 1 | 2 |\n| **y** | **3** | **4** |\n\n| d | c |\n|---|---|\n| z | 5 |"

    assert results.figure(body, "y", "c") == "4"
    assert results.figure(body, "z", "c") == "5"
    with pytest.raises(LookupError):
        results.figure(body, "z", "b")


def test_only_the_text_between_the_markers_of_the_readme_is_replaced() -> None:
    readme = f"before\n{results.BEGIN}\nold\n{results.END}\nafter"

    assert results.replace_table(readme, "new") == f"before\n{results.BEGIN}\nnew\n{results.END}\nafter"
    with pytest.raises(ValueError, match="markers"):
        results.replace_table("before", "new")


def test_the_stored_results_have_the_written_form() -> None:
    document = results.RESULTS.read_text(encoding="utf-8")

    assert results.write_sections(results.read_sections(document)) == document


def test_the_readme_shows_the_stored_results() -> None:
    readme = results.README.read_text(encoding="utf-8")
    table = results.readme_table(results.RESULTS.read_text(encoding="utf-8"))

    assert results.replace_table(readme, table) == readme, "run: python -m tests.benchmarks results"


def test_only_keys_count_as_key_presses() -> None:
    document = results.RESULTS.read_text(encoding="utf-8")
    whole_program = results.read_sections(document)["Terminal latency"].partition("| program |")[2]

    slower = document.replace(whole_program, whole_program.replace("| first paint | ", "| first paint | 9"))

    assert results.readme_table(slower) == results.readme_table(document)


def test_help_lists_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    listed = capsys.readouterr().out
    assert all(name in listed and results.summary(name) for name in results.TITLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", results.TITLES)
def test_every_benchmark_answers_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = f"tests.benchmarks.{name}"
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys, "argv", [module, "--help"])

    with pytest.raises(SystemExit, match="0"):
        runpy.run_module(module, run_name="__main__")

    answer = capsys.readouterr()
    assert answer.out.startswith(f"usage: python -m {module} [-h] [--")
    assert answer.err == ""
