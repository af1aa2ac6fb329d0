"""Killed at any statement of archiving, a book and its archive have everything once, and the next call ends it."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.store import archives
from tests.reliability.crash import _ImageRecorder, instrumented
from tests.reliability.settings import CRASH_POINTS
from tests.services.maintenance.archived_books import archive_all, make_book
from tests.services.maintenance.test_archiving import faults_of, seen


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("years") / "book.db"
    make_book(path)
    return path


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("first", [None, "2024"])
def test_a_kill_at_any_statement_changes_nothing(first: str | None, template: Path, tmp_path: Path) -> None:
    path = tmp_path / "calm" / "book.db"
    path.parent.mkdir()
    shutil.copy(template, path)
    if first is not None:
        with closing(bootstrap.open_database(path)) as database:
            archive_all(database, path, first)
    with closing(bootstrap.open_database(path)) as database:
        before = seen(database)
    recorder = _ImageRecorder(path)
    with instrumented(recorder.point), closing(bootstrap.open_database(path)) as database:
        archive_all(database, path)
        database.connection.set_trace_callback(None)
    images = list(recorder.images.values())
    every = max(1, len(images) // max(1, CRASH_POINTS // 6)) if CRASH_POINTS else 1
    for number, image in enumerate(images[every // 2 :: every]):
        folder = tmp_path / f"image_{number}"
        for name, content in image.files.items():
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            (folder / name).write_bytes(content)
        with closing(bootstrap.open_database(folder / "book.db")) as database:
            assert seen(database) == before, f"killed at {image.points[:3]} of {recorder.total}"
            found = archives.record(database)
            if found is None or not found.removed:
                archive_all(database, folder / "book.db")
            assert seen(database) == before, f"continued after {image.points[:3]} of {recorder.total}"
            assert faults_of(database) == []
        shutil.rmtree(folder)
    print(f"\n{first}: {recorder.total} points, {len(images)} images")
