"""RESULTS.md as sections, one per benchmark, and the table of README.md that is made from them."""

from __future__ import annotations

import ast
import os
import platform
import re
import sqlite3
from collections.abc import Mapping
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
README = FOLDER.parents[1] / "README.md"
TITLES = {
    "whole_book": "Whole book",
    "rules_book": "Whole book under restrictions",
    "import_positions": "A book from files",
    "prices": "Streaming prices",
    "whole_day": "A day when every account rebalances",
    "open_book": "An open book",
    "latency": "Terminal latency",
    "many_accounts": "Operations on many accounts",
    "hot_paths": "Hot paths of a small book",
    "start_up": "Start-up",
    "api_load": "API load",
    "answer_time": "Time of an answer",
    "drills": "Recovery times",
    "ray_partitions": "Partitions in Ray",
    "policies": "Policies of the lab",
}
"""The headings of the sections, by benchmark, in the order of the document."""
INTRODUCTION = """# Benchmark results

Written by `python -m tests.benchmarks results`; `--only NAME` renews one section. Do not edit.

The times of a shared machine vary by half from hour to hour: compare the ratios, not the seconds. A benchmark without a
section has no stored result.
"""
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def summary(name: str) -> str:
    """The first paragraph of a benchmark's docstring: what it measures."""
    doc = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""
    return " ".join(doc.partition("\n\n")[0].split())


def machine() -> str:
    """The facts of this machine that its figures depend on."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def section(name: str, output: str, on: date, facts: str) -> str:
    """The body of a benchmark's section, without its heading."""
    head = f"{summary(name)}\n\n`python -m tests.benchmarks.{name}`, {on.isoformat()}: {facts}."
    return f"{head}\n\n{output.strip()}"


def read_sections(document: str) -> dict[str, str]:
    """The bodies of the sections of a document, by heading."""
    parts = re.split(r"^## (.+)$", document, flags=re.MULTILINE)[1:]
    return {title.strip(): body.strip() for title, body in zip(parts[::2], parts[1::2], strict=True)}


def write_sections(sections: Mapping[str, str]) -> str:
    """The document that consists of the sections, in the order of `TITLES`. Raises `KeyError` for another heading."""
    order = list(TITLES.values())
    if unknown := set(sections) - set(order):
        raise KeyError(*unknown)
    texts = (f"## {title}\n\n{sections[title]}\n" for title in order if title in sections)
    return "\n".join([INTRODUCTION, *texts])


def replace_section(document: str, name: str, body: str) -> str:
    """The document with the section of one benchmark replaced or added; the others keep their text."""
    return write_sections({**read_sections(document), TITLES[name]: body})


def figure(body: str, row: str, column: str) -> str:
    """The cell of a section's tables at a row and a column, by their names. Raises `LookupError` without one."""
    columns: list[str] = []
    for line in body.splitlines():
        cells = [cell.strip(" *") for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not columns or not cells:
            columns = cells
        elif cells[0] == row and column in columns:
            return cells[columns.index(column)]
    raise LookupError(f"no figure {row!r}, {column!r}")


def readme_table(document: str) -> str:
    """The table of the README, made from the sections of RESULTS.md."""
    found = read_sections(document)
    book, day, keys = (found[TITLES[name]] for name in ("whole_book", "whole_day", "latency"))
    # The table of keys; the next one has times of the whole program.
    of_keys = keys.partition("| program |")[0]
    medians = sorted(float(text) for text in re.findall(r"^\| [^|]+ \| ([\d.]+) ms \|", of_keys, re.MULTILINE))
    deciding = figure(book, "arrays, confirmed exactly", "100,000")
    drift = figure(book, "drift: one sweep over the arrays", "time")
    rows = {
        "decide every account, 20 holdings each, confirmed exactly": deciding,
        "drift of every account, 20 holdings each, after prices moved": drift,
        "a day on which every account is rebalanced, all rows stored": figure(day, "file to file", "processor"),
        "key press to screen, median": f"{medians[0]:.0f} to {medians[-1]:.0f} ms",
    }
    lines = [f"| {what} | {value} |" for what, value in rows.items()]
    return "\n".join(["| 100,000 accounts | time |", "|---|---:|", *lines])


def replace_table(readme: str, table: str) -> str:
    """The README with the table between its two markers replaced. Raises `ValueError` without both markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README needs the markers {BEGIN} and {END}")
    return f"{before}{begin}\n{table}\n{end}{after}"
