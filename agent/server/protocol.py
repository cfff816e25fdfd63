"""How this server's processes talk: one JSON object a line, over the child's stdin and stdout.

JSON and nothing else: a decoder that was taken over must not be able to send its parent code.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any

Json = dict[str, Any]


class Channel:
    """The child's end. Whatever libraries print goes to standard error instead."""

    def __init__(self) -> None:
        self._in: IO[bytes] = os.fdopen(os.dup(0), "rb")
        self._out: IO[bytes] = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        sys.stdin.close()
        self._alone = threading.RLock()

    def tell(self, message: Json) -> None:
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        with self._alone:
            self._out.write(line + b"\n")
            self._out.flush()

    def heard(self) -> Iterator[Json]:
        """Messages until the parent is gone."""
        while line := self._in.readline():
            yield json.loads(line)

    def ask(self, message: Json) -> Json:
        """One message out, the next one in; one thread at a time."""
        with self._alone:
            self.tell(message)
            line = self._in.readline()
        if not line:
            raise EOFError("the server is gone")
        answer: Json = json.loads(line)
        return answer
