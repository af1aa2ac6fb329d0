"""The IP address of a client, also behind a reverse proxy, and which addresses have one rate limit together."""

from __future__ import annotations

import ipaddress
import re

from starlette.types import ASGIApp, Receive, Scope, Send

_HEADER = b"x-forwarded-for"
_LOOPBACK = "::1"
_SITE_BITS = 64
"""Leading bits of an IPv6 address that one site shares; its machines may use any address with them (RFC 6177)."""
_WITH_PORT = re.compile(r"\[(?P<ipv6>[^\]]+)\](?::[0-9]+)?|(?P<ipv4>[0-9.]+):[0-9]+")


class ForwardedAddress:
    """Middleware: a request from the proxy gets the client address that the proxy's `X-Forwarded-For` header reports.

    Each proxy adds the address that it sees to the end of the header; everything before that may be invented by the
    client. The last address that is not the proxy's own is therefore used. When it is not an IP address, the request
    keeps the proxy's address, so that no other text from outside reaches the log or gets a rate limit of its own.
    """

    def __init__(self, app: ASGIApp, proxy: str) -> None:
        """`proxy` is the proxy's IP address; with "" the header is not used."""
        self._app = app
        self._proxy = proxy and ip_address(proxy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if self._proxy and client and ip_address(client[0]) == self._proxy:
            found = self._forwarded(b",".join(value for name, value in scope["headers"] if name == _HEADER))
            if found:
                scope["client"] = (found, 0)
        await self._app(scope, receive, send)

    def _forwarded(self, header: bytes) -> str:
        for text in reversed(header.decode("latin-1").split(",")):
            found = ip_address(text)
            if found != self._proxy:
                return found
        return ""


def ip_address(text: str) -> str:
    """An IP address in canonical form without a port; "" for any other text. IPv4-mapped IPv6 addresses become IPv4.

    An address with a zone (`fe80::1%eth0`) gives "", because a zone may be any text.
    """
    match = _WITH_PORT.fullmatch(text.strip())
    plain = (match["ipv6"] or match["ipv4"]) if match else text.strip()
    try:
        found = ipaddress.ip_address(plain) if "%" not in plain else None
    except ValueError:
        found = None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(found or "")


def site_of(address: str) -> str:
    """The part of a client's address to which a rate limit applies: addresses with the same part have one limit.

    Of an IPv6 address, this is its network of 64 bits; of any other address, the whole address.
    """
    plain = ip_address(address.partition("%")[0])
    if ":" not in plain or plain == _LOOPBACK:
        return plain or address
    return str(ipaddress.ip_network((plain, _SITE_BITS), strict=False))


def is_this_machine(client: str, server: str) -> bool:
    """Whether a client runs on this machine. `client` is its IP address, `server` the one at which it reached this
    server.
    """
    plain = ip_address(client)
    return bool(plain) and (ipaddress.ip_address(plain).is_loopback or plain == ip_address(server))
