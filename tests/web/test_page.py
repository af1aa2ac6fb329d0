"""The page's server: what it serves to whom, and what its responses forbid a browser."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from http.cookies import SimpleCookie

import aiohttp
import pytest

from rebal_tui.web.screens import Reason
from tests.web.pages import Browser, echo, serving


def test_the_address_gives_a_cookie_once() -> None:
    async def check() -> None:
        async with serving(echo()) as browser:
            status, text, headers = await browser.get(browser.access.url)
            assert (status, 'content="0; url=/folder/"' in text) == (200, True)
            cookie = SimpleCookie(headers["Set-Cookie"])["rebal-tui"]
            assert cookie.value == "session"
            assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/folder/", True, "Strict")
            again, text, headers = await browser.get(browser.access.url)
            assert (again, "Set-Cookie" in headers) == (403, False)
            assert "has been used" in text

    asyncio.run(check())


def test_an_address_that_is_loaded_ahead_of_time_is_not_used_up() -> None:
    async def check() -> None:
        async with serving(echo()) as browser:
            ahead, _, headers = await browser.get(browser.access.url, Sec_Purpose="prefetch;prerender")
            assert (ahead, "Set-Cookie" in headers) == (503, False)
            await browser.sign_in()

    asyncio.run(check())


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/folder/", "/folder/page.js", "/folder/static/js/textual.js"])
def test_without_the_cookie_there_is_nothing(path: str) -> None:
    async def check() -> None:
        async with serving(echo()) as browser:
            status, text, _ = await browser.get(path)
            assert status == 403
            assert "folder" not in text
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await browser.connect()

    asyncio.run(check())


def test_a_name_that_is_bound_to_this_machine_is_refused_with_the_cookie_too() -> None:
    async def check() -> None:
        async with serving(echo()) as browser:
            await browser.sign_in()
            status, _, headers = await browser.get("/folder/", Host="evil.example")
            assert status == 400
            assert "evil" not in str(headers)
            with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
                await browser.connect(Host="evil.example")

    asyncio.run(check())


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_cannot_connect(origin: str) -> None:
    async def check() -> None:
        async with serving(echo()) as browser:
            await browser.sign_in()
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await browser.connect(Origin=origin)

    asyncio.run(check())


def test_the_page_loads_only_its_own_files() -> None:
    async def check() -> None:
        async with serving(echo()) as browser:
            await browser.sign_in()
            status, page, headers = await browser.get("/folder/")
            assert status == 200
            assert "a &lt;book&gt;.db" in page
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self';")
            assert set(re.findall(r"\w+://\S+?(?=;|\s)", policy)) == {browser.origin.replace("http", "ws")}
            assert headers["Referrer-Policy"] == "no-referrer"
            assert "token" not in page
            for name in re.findall(r'(?:href|src)="([^"]+)"', page):
                assert "//" not in name
                if not name.startswith("data:"):
                    assert (await browser.get(f"/folder/{name}"))[0] == 200, name
            _, script, headers = await browser.get("/folder/static/js/textual.js")
            assert not re.findall(r"https?://[a-z]", script)
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            for name in ("static/css/xterm.css", "page.css"):
                _, style, _ = await browser.get(f"/folder/{name}")
                assert not re.findall(r"@import|url\(\W*\w+:", style), name

    asyncio.run(check())


def test_a_page_drives_the_program() -> None:
    async def check() -> None:
        async with serving(echo()) as browser:
            await browser.sign_in()
            async with browser.connect() as page:
                await read_until(page, b"started in 80 columns")
                await page.send_str(json.dumps(["stdin", "é\ud800"]))
                await read_until(page, "é?".encode())
                await page.send_str(json.dumps(["resize", {"width": 9_999_999, "height": "x"}]))
                await read_until(page, b'{"type": "resize", "width": 500, "height": 24}')

    asyncio.run(check())


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["", "{", "[]", "0", '["stdin"]', '["stdin", 1]', '["resize", 3]', '["resize"]', "[" * 9_000, '["none", 1]']
)
def test_what_is_not_understood_is_dropped(text: str) -> None:
    async def check() -> None:
        async with serving(echo()) as browser:
            await browser.sign_in()
            async with browser.connect() as page:
                await page.send_str(text)
                await page.send_str('["stdin", "still here"]')
                await read_until(page, b"still here")

    asyncio.run(check())


def test_neither_the_token_nor_the_cookie_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []

    async def check() -> None:
        async with serving(echo(), lines.append) as browser:
            await browser.sign_in()
            await browser.get(browser.access.url)
            await malformed(browser)
            async with browser.connect() as page:
                await page.send_str('["stdin", "end0"]')
                await until_closed(page)
                assert page.close_code == Reason.LEFT.value

    with caplog.at_level(logging.DEBUG):
        asyncio.run(check())
    written = "\n".join([*lines, *[record.getMessage() + str(record.exc_info) for record in caplog.records]])
    assert "token=token" not in written
    assert "session" not in written
    assert lines == [
        "A browser has opened the address; it works no longer.", "The screens are open.", "The screens are closed.",
    ]  # fmt: skip


async def malformed(browser: Browser) -> None:
    """Send a request that is none, with a token in it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(browser.origin.rpartition(":")[2]))
    writer.write(b"GET /?token=token HTTP/1.1\r\nHost: a\r\nCookie rebal-tui=session\r\n\r\n")
    assert b"400" in await reader.readline()
    writer.close()


async def read_until(page: aiohttp.ClientWebSocketResponse, text: bytes) -> None:
    shown = b""
    while text not in shown:
        shown += await page.receive_bytes(timeout=10)


async def until_closed(page: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in page:
        pass
