"""Who may use the page: the address that works once, the session, and the names and origins of requests."""

from __future__ import annotations

import pytest

from rebal_tui.web.access import Access


def new() -> Access:
    names = iter(("token", "session", "folder"))
    return Access(8123, lambda: next(names))


def test_the_printed_address_works_once() -> None:
    access = new()
    assert access.url == "http://127.0.0.1:8123/?token=token"
    assert access.begin("token") == "session"
    assert access.begin("token") is None


@pytest.mark.parametrize("token", ["", "toke", "tokens", "session", "tökén", "\udcff"])
def test_a_wrong_token_begins_nothing_and_leaves_the_right_one(token: str) -> None:
    access = new()
    assert access.begin(token) is None
    assert access.begin("token") == "session"


def test_a_session_counts_only_after_the_address_was_used() -> None:
    access = new()
    assert not access.knows("session")
    access.begin("token")
    assert access.knows("session")
    assert not access.knows(None)
    assert not access.knows("token")


@pytest.mark.parametrize("host", ["127.0.0.1:8123", "localhost:8123", "LOCALHOST:8123"])
def test_this_machine_has_two_names(host: str) -> None:
    assert new().names_this_server({"Host": host})


@pytest.mark.parametrize(
    "host", ["", "127.0.0.1", "127.0.0.1:80", "evil.example:8123", "127.0.0.1.evil.example:8123", "[::1]:8123"]
)
def test_another_name_is_refused_because_it_may_be_rebound(host: str) -> None:
    assert not new().names_this_server({"Host": host})


@pytest.mark.parametrize(
    "origin", [None, "null", "https://127.0.0.1:8123", "http://127.0.0.1:8124", "http://localhost:8123", "http://a.b"]
)
def test_only_the_own_origin_may_open_a_websocket(origin: str | None) -> None:
    headers = {"Host": "127.0.0.1:8123"}
    assert new().from_own_page({**headers, "Origin": "http://127.0.0.1:8123"})
    assert not new().from_own_page(headers if origin is None else {**headers, "Origin": origin})
