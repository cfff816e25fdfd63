"""One TFLite network on one or more CPU threads. Knows nothing about faces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from agent.schema.samples import Floats


class Net:
    """A network with one float input; call it with a batch of one."""

    def __init__(self, model: Path | bytes, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        given = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        with _quiet():
            self._run = Interpreter(**given, num_threads=threads)
            self._run.allocate_tensors()
        (entry,) = self._run.get_input_details()
        self._entry = int(entry["index"])
        self.shape = tuple(int(n) for n in entry["shape"])
        """Of the input."""
        self._exits = [int(out["index"]) for out in self._run.get_output_details()]

    def __call__(self, batch: Floats) -> list[Floats]:
        """All outputs, in the file's order, as copies."""
        self._run.set_tensor(self._entry, batch)
        self._run.invoke()
        return [np.asarray(self._run.get_tensor(i), np.float32) for i in self._exits]


@contextmanager
def _quiet() -> Iterator[None]:
    """Standard error closed to native code: the runtime announces its CPU delegate there, and
    no setting stops it. What goes wrong is raised as an exception all the same."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
