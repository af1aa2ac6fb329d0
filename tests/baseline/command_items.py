"""Baseline items from the command line: new books, their checks and exports, schemas, help."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.baseline.materials import AS_OF, LATER, write_book, write_closes
from tests.baseline.program import Program

BOOKS = "books"
"""Where the created books are stored, each in a folder with its output at the time it was created."""
DEMO = ("--headless", "2000", "--seed", "1", "--accounts", "200")


@contextmanager
def program_for(target: Path) -> Iterator[Program]:
    """A program in its own temporary folder."""
    with tempfile.TemporaryDirectory(prefix="baseline-") as folder:
        yield Program(Path(folder).resolve(), target)


def write_demo(target: Path) -> None:
    """Run a demonstration headless."""
    with program_for(target) as program:
        program.keep("demo.txt", "demo", *DEMO, "--db", "demo.db")
        _keep_made(program, "demo")


def write_replay(target: Path) -> None:
    """Replay a price history with the default account and with the accounts of a BOOK.json."""
    with program_for(target) as program:
        write_closes(program.work / "closes.csv")
        write_book(program.work / "book.json")
        program.keep("replay.txt", "replay", "closes.csv", "--db", "replay.db")
        program.keep("replay.json", "replay", "closes.csv", "--json")
        _keep_made(program, "replay")
        some = ("--book", "book.json", "--to", "2024-03-28")
        program.keep("replay-book.json", "replay", "closes.csv", *some, "--json", "--db", "replayed.db")
        _keep_made(program, "replayed")


def write_evaluation(target: Path) -> None:
    """Evaluations of a BOOK.json, in memory and in the book into which it is imported."""
    with program_for(target) as program:
        write_book(program.work / "book.json")
        for name, at in (("", AS_OF), ("-later", LATER)):
            program.keep(f"evaluate{name}.json", "evaluate", "--book", "book.json", "--at", at, "--json")
            program.keep(f"evaluate{name}.txt", "evaluate", "--book", "book.json", "--at", at, "--explain")
        program.keep("import.txt", "import", "book.json", "--db", "imported.db")
        program.keep("import-evaluate.json", "evaluate", "--db", "imported.db", "--at", AS_OF, "--json")
        program.keep("import-evaluate-later.json", "evaluate", "--db", "imported.db", "--at", LATER, "--json")
        program.keep("import-evaluate.txt", "evaluate", "--db", "imported.db", "--explain")
        _keep_made(program, "imported")


def write_documents(target: Path) -> None:
    """The program's documents: help, the schema of a BOOK.json, the OpenAPI document."""
    with program_for(target) as program:
        program.keep_help()
        program.keep("book-schema.json", "import", "--schema")
        program.keep_openapi()


def reopen(source: Path, target: Path) -> None:
    """Open copies of a baseline's books with the current program, and store its output."""
    for db in sorted((source / BOOKS).glob("*/*.db")):
        with program_for(target) as program:
            shutil.copy(db, program.work / db.name)
            program.keep_book(f"{BOOKS}/{db.stem}", db.name)


def _keep_made(program: Program, name: str) -> None:
    """Store a created book and its output."""
    program.keep_book(f"{BOOKS}/{name}", f"{name}.db")
    program.run("backup", "copy.db", "--db", f"{name}.db")
    shutil.move(program.work / "copy.db", program.target / BOOKS / name / f"{name}.db")
