"""Work done in order in a thread of its own, a few items behind whoever hands them over.

The native parts of the senses let go of Python's lock, so that two cores are used.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

WAITING: Final = 8
"""Items that may wait; whoever hands over more is held up, so that memory stays bounded."""


class Behind(Generic[T]):
    """Calls `work` on each item, in order; an error in it is raised at the next `push`."""

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._items: queue.Queue[T | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def push(self, item: T) -> None:
        """Hand over one item. Raises what the work on an earlier one raised."""
        if self._error is not None:
            raise self._error
        self._items.put(item)

    def finish(self) -> None:
        """Wait until all is done. Raises what the work raised."""
        self._items.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (item := self._items.get()) is not None:
            # After an error the rest is taken and dropped, so that nobody waits for room.
            if self._error is None:
                try:
                    self._work(item)
                except BaseException as error:  # handed to the other thread, which raises it
                    self._error = error
