"""A book's file that another program locks: the answer names the reason and when to try again."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from rebal_tui.api.responses import add_handlers


def test_a_locked_file_is_503_with_the_time_to_wait(tmp_path: Path) -> None:
    path, app = tmp_path / "book.db", FastAPI()
    add_handlers(app)

    @app.get("/")
    def write() -> None:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")

    @app.get("/other")
    def fail() -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("SELECT * FROM none")

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            with pytest.raises(sqlite3.OperationalError, match="no such table"):
                await http.get("/other")
            return await http.get("/")

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = asyncio.run(ask())
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()) == (
        503,
        "5",
        {"code": 50310000, "message": "another program holds the book's file; nothing was changed"},
    )
