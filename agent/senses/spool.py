"""Rows of numbers put aside while a clip is watched: few in memory, many in a nameless file.

Memory therefore does not grow with the clip. Knows nothing of what the numbers mean.
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile, gettempdir
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.schema.samples import Floats
from agent.util.cache import FullError

IN_MEMORY: Final = 4 << 20
"""Bytes up to which rows stay in memory; about two minutes of one face."""
NEAR: Final = 64
"""Rows that are read along rather than jumped over."""

Index = npt.NDArray[np.int64]


class Spool:
    """Rows of one length, in the order they came."""

    def __init__(self) -> None:
        # Deleted by the system when it is let go of; whatever ends the process too.
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._width = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, row: Floats) -> None:
        """Put one row aside. Raises ValueError for another length, FullError on a full disk."""
        kept = np.ascontiguousarray(row, np.float32)
        self._width = self._width or len(kept)
        if len(kept) != self._width:
            raise ValueError(f"a row of {len(kept)} numbers among rows of {self._width}")
        try:
            self._file.seek(0, 2)
            self._file.write(kept.tobytes())
        except OSError as error:
            raise FullError(
                f"no room for what is measured while the clip runs: {error.strerror or error} in "
                f"{gettempdir()}; make room or set TMPDIR to a folder that has some"
            ) from error
        self._count += 1

    def __getitem__(self, span: slice) -> Floats:
        """Rows of a span, n × width."""
        first, last, _ = span.indices(self._count)
        self._file.seek(first * self._width * 4)
        data = self._file.read(max(0, last - first) * self._width * 4)
        return np.frombuffer(data, np.float32).reshape(-1, self._width)

    def take(self, index: Index) -> Floats:
        """Rows by number, len(index) × width."""
        steps = np.diff(index)
        runs = np.split(index, np.flatnonzero((steps < 0) | (steps > NEAR)) + 1)
        parts = [self[int(run[0]) : int(run[-1]) + 1][run - run[0]] for run in runs if len(run)]
        return np.concatenate([np.empty((0, self._width), np.float32), *parts])


class Picked:
    """Some rows of a spool, in an order of their own."""

    def __init__(self, spool: Spool, index: Index) -> None:
        self._spool, self._index = spool, index

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, span: slice) -> Floats:
        return self._spool.take(self._index[span])
