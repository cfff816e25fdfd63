"""Text for a terminal: whatever files, clips and models say, no character in it is a command.

Names of files may hold any byte but two; an escape in one can recolour, rewrite or answer for a
terminal, a reversing mark can show `gpj.exe` as `exe.jpg`. `guarded` stands between all that a
command prints and the terminal, so that no single `print` can forget it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

_COMMANDS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1
    "\u2028\u2029\u202a-\u202e\u2066-\u2069"  # line ends, directions
    "\ud800-\udfff]"  # bytes of names that are no UTF-8
)


def plain(text: str) -> str:
    """The text with every character that commands a terminal written out, as \\u001b; the same
    in JSON, where that is how such characters may be written."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@contextmanager
def guarded() -> Iterator[None]:
    """Standard output and error say plain text only, whoever writes to them."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Plain.around(sys.stdout), _Plain.around(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def own() -> IO[str]:
    """Standard error for what draws with commands of its own, a bar for example: its words must
    be ours alone."""
    stream: Any = sys.stderr
    found: IO[str] = getattr(stream, "unguarded", stream)
    return found


class _Plain:
    """A text stream that writes plain text; in all else the stream it is put around."""

    def __init__(self, stream: Any) -> None:
        self.unguarded = stream

    @classmethod
    def around(cls, stream: Any) -> Any:
        return stream if stream is None or isinstance(stream, cls) else cls(stream)

    def write(self, text: str) -> int:
        self.unguarded.write(plain(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)
