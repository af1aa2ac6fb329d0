"""The address of a client behind a proxy: only an IP address that the proxy itself names."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from rebal_tui.api.forwarded_address import ForwardedAddress, site_of

PROXY = "10.0.0.1"


def seen(proxy: str, client: str, *forwarded: bytes) -> str:
    """The address that the application sees."""
    addresses: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        addresses.append(scope["client"][0])

    async def receive() -> Message:
        return {}

    async def send(_message: Message) -> None: ...

    headers = [(b"x-forwarded-for", value) for value in forwarded]
    scope = {"type": "http", "client": (client, 5), "headers": headers}
    asyncio.run(ForwardedAddress(app, proxy)(scope, receive, send))
    return addresses[0]


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ((b"192.0.2.7",), "192.0.2.7"),
        ((b"192.0.2.7:5555",), "192.0.2.7"),
        ((b"2001:DB8:0::1",), "2001:db8::1"),
        ((b"[2001:db8::1]:443",), "2001:db8::1"),
        ((b"::ffff:192.0.2.7",), "192.0.2.7"),
        ((b"203.0.113.1, 192.0.2.7",), "192.0.2.7"),
        ((b"203.0.113.1", b"192.0.2.7 , 10.0.0.1"), "192.0.2.7"),
        ((b"192.0.2.7, \x1b[31mroot",), PROXY),
        ((b"unknown",), PROXY),
        ((b"fe80::1%\x1b[2J",), PROXY),
        ((b"192.0.2.7, ",), PROXY),
        ((b"10.0.0.1",), PROXY),
        ((b"",), PROXY),
        ((), PROXY),
    ],
)
def test_the_last_address_that_is_not_the_proxys_counts(forwarded: tuple[bytes, ...], address: str) -> None:
    assert seen(PROXY, PROXY, *forwarded) == address


def test_nobody_elses_word_is_taken() -> None:
    assert seen(PROXY, "192.0.2.9", b"203.0.113.1") == "192.0.2.9"
    assert seen("", PROXY, b"203.0.113.1") == PROXY
    assert seen("::1", "0:0::1", b"203.0.113.1") == "203.0.113.1"


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_addresses_of_one_ipv6_network_are_one_caller(address: str, site: str) -> None:
    assert site_of(address) == site
