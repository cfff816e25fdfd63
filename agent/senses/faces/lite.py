"""One TFLite network on one or more CPU threads. Knows nothing about faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.senses.samples import Floats


class Net:
    """A network with one float input; call it with a batch of one."""

    def __init__(self, model: Path | bytes, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        if isinstance(model, bytes):
            self._run = Interpreter(model_content=model, num_threads=threads)
        else:
            self._run = Interpreter(model_path=str(model), num_threads=threads)
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
