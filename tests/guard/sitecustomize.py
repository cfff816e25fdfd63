"""Refuses connections that leave this machine, in every Python that has this folder on its path.

Python loads a module of this name at its start, so children of a test are guarded as well, unless
they are started without our PYTHONPATH. Libraries that open sockets in C are not seen.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from functools import cache
from typing import Any

REFUSED: list[str] = []
"""What was asked for beyond this machine, in this process."""


def _host(event: str, given: tuple[Any, ...]) -> str | None:
    """The host that a socket event is about; None where it is about none."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        name = given[0]
        return name.decode("ascii", "replace") if isinstance(name, bytes) else name
    address = given[1]  # a path for sockets of the file system, None for one that is connected
    return str(address[0]) if isinstance(address, tuple) and address else None


@cache
def stays_here(host: str) -> bool:
    """Whether a host is this machine: loopback, or an address that one can listen on here."""
    name = host.lower().rstrip(".")
    if name in ("", "localhost", socket.gethostname().lower()) or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _numeric(host: str) -> bool:
    """Written as a number, so that nobody is asked what it means."""
    try:
        socket.inet_aton(host)
    except OSError:
        return ":" in host
    return True


def _look(event: str, given: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = _host(event, given)
        if host is not None and not _numeric(host) and not stays_here(host):
            REFUSED.append(host)
            raise socket.gaierror(socket.EAI_NONAME, f"tests look nothing up: {host}")
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = _host(event, given)
        if host is not None and not stays_here(host):
            REFUSED.append(host)
            raise ConnectionRefusedError(f"tests reach nothing beyond this machine: {host}")


sys.addaudithook(_look)
