"""Which addresses may be fetched: one parser, one policy for IP addresses, one resolver.

Opens no connection; `agent.server.fetch` connects to exactly what comes out of here, so that
no second parser and no second look-up can disagree.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from agent.server.errors import ApiError

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Host and port → IP addresses as text."""

LONGEST: Final = 4096
PORTS: Final = frozenset({80, 443, 8080, 8443})
_URL: Final = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)
_ALLOWED: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]!$&'()*+,;=%@]+")
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NUMERIC: Final = re.compile(r"(?:[0-9]+|0[xX][0-9A-Fa-f]*)")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_OUTSIDE: Final = tuple(
    map(
        ipaddress.ip_network,
        ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32"),
    )
)
"""Special ranges of which the standard library, by version, calls some addresses global."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart, once."""

    secure: bool
    host: str
    """Lower case, without brackets."""
    port: int
    path: str
    """With its query; begins with "/"."""

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.secure else 80
        return host if self.port == usual else f"{host}:{self.port}"


def parse(url: str) -> Target:
    """The parts of an http(s) address. Raises ApiError for anything not plainly one."""
    if len(url) > LONGEST or not _ALLOWED.fullmatch(url):
        raise refused("it is too long, or has characters that must be percent-encoded")
    taken = _URL.fullmatch(url)
    if taken is None:
        raise refused("only http:// and https:// are fetched")
    where = _AUTHORITY.fullmatch(taken[2])
    if where is None:
        raise refused("its host is not plain (no user names, no escapes)")
    secure = taken[1].lower() == "https"
    port = int(where[2]) if where[2] else (443 if secure else 80)
    if not 0 < port < 65536:
        raise refused("its port is none")
    rest = taken[3]
    return Target(secure, _host(where[1]), port, rest if rest.startswith("/") else "/" + rest)


def _host(given: str) -> str:
    if given.startswith("["):
        try:
            return str(ipaddress.IPv6Address(given[1:-1]))
        except ValueError:
            raise refused("its host is no IPv6 address") from None
    host = given.removesuffix(".").lower()
    labels = host.split(".")
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise refused("its host is no name")
    if _NUMERIC.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise refused("its host is a number that is no plain IPv4 address") from None
    return host


def is_public(address: IP) -> bool:
    """Whether an address belongs to the open internet, also where it carries another in it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.scope_id is not None or address not in _GLOBAL_UNICAST:
            return False
    if any(address.version == net.version and address in net for net in _OUTSIDE):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


async def system(host: str, port: int) -> list[str]:
    """The operating system's resolver."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(row[4][0]) for row in rows]


@dataclass(frozen=True, slots=True)
class Guard:
    """The policy of one server."""

    allow: frozenset[str] = frozenset()
    """HOST:PORT that the operator vouches for, public or not."""
    resolver: Resolver = field(default=system)

    async def address(self, target: Target) -> str:
        """The one IP address to connect to. Raises ApiError where it may not be.

        A name that stands for a public and a private address is refused as a whole.
        """
        vouched = target.place in self.allow
        if not vouched and target.port not in PORTS:
            raise refused(f"port {target.port} is not fetched from")
        found = await self._resolved(target)
        if not vouched and not all(map(is_public, found)):
            raise refused("it is not on the open internet")
        return str(found[0])

    async def _resolved(self, target: Target) -> list[IP]:
        try:
            return [ipaddress.ip_address(target.host)]
        except ValueError:
            pass
        try:
            rows = await self.resolver(target.host, target.port)
            found = [ipaddress.ip_address(row) for row in rows]
        except (OSError, ValueError, UnicodeError):
            found = []
        if not found:
            raise refused("its host is not known")
        return found


def refused(why: str) -> ApiError:
    """An address that is not fetched."""
    return ApiError(400, "url_refused", f"this address is not fetched: {why}", param="url")
