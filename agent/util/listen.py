"""The address a server listens at, taken before anything else is begun.

A port that is taken or none is told in one line; nothing was started for it.
"""

from __future__ import annotations

import argparse
import errno
import ipaddress
import os
import socket


def port(text: str) -> int:
    """A port of the command line, 0 for any free one. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: give 1 to 65535, or 0 for a free one")
    return int(text)


def bound(host: str, number: int) -> socket.socket:
    """A socket that is bound and does not listen yet. Raises OSError in our words."""
    try:
        found = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise OSError(f"--host {host!r} is no address of this machine ({error})") from error
    family, kind, protocol, _, address = found[0]
    made = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        made.close()
        raise OSError(why(host, number, error)) from error
    made.set_inheritable(False)
    return made


def why(host: str, number: int, error: OSError) -> str:
    """What is wrong with an address that cannot be bound, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"port {number} of {host} is taken: give another --port, or 0 for a free one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {number} of {host} is not for this user: give a --port above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: give --host one that it has"
    return f"port {number} of {host} cannot be listened at: {error.strerror}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
