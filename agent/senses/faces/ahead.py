"""The mesh network, one picture ahead of whoever judges its meshes.

Knows that a face is looked for where its mesh was in the picture before, and not whether the
face will still be followed: a mesh made for nothing is dropped. What comes out is the same, to
the last bit, as without looking ahead; the network merely need not wait for the judging.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from agent.schema.samples import Floats, Frame
from agent.senses.faces.mesh import Fit, Mesh, roi_of_mesh


class Ahead:
    """Fits meshes in order in a thread of its own."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._thread = ThreadPoolExecutor(1, "mesh")
        self._then: Frame | None = None
        self._begun: list[tuple[Future[Fit], Future[Fit]]] = []
        """Of each face: its mesh in the latest picture, and the one to come in `_then`."""

    def fits(self, frame: Frame, meshes: Sequence[Floats], then: Frame | None = None) -> list[Fit]:
        """The new mesh in `frame` of each face, given those (N × 3, pixels) of before.

        Where the next picture `then` is known, its meshes are begun.
        """
        now = [
            self._known(frame, points) or self._thread.submit(self._fit, frame, points)
            for points in meshes
        ]
        self._then = then
        self._begun = [
            (before, self._thread.submit(self._next, then, before)) for before in now if then
        ]
        return [each.result() for each in now]

    def close(self) -> None:
        """End the thread; what was begun is dropped."""
        self._then, self._begun = None, []
        self._thread.shutdown(cancel_futures=True)

    def _known(self, frame: Frame, points: Floats) -> Future[Fit] | None:
        """The mesh that was begun for this face, if it was begun from these very points."""
        if frame is not self._then:
            return None
        for before, after in self._begun:
            if before.done() and before.result().points is points:
                return after
        return None

    def _fit(self, frame: Frame, points: Floats) -> Fit:
        return self._mesh.fit(frame.image, roi_of_mesh(points))

    def _next(self, frame: Frame, before: Future[Fit]) -> Fit:
        # One thread works in order, so `before` is done by now.
        return self._fit(frame, before.result().points)
