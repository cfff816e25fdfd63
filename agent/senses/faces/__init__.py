"""Faces: found, followed through the clip, meshed, judged.

`face_in` is the simple way for one picture, `Faces` the one for a clip. What is given away
is one FaceSample a face and picture; what is kept until `finish` is columns of numbers.
"""

from __future__ import annotations

from dataclasses import replace

from agent.schema.evidence import Missing
from agent.schema.samples import FaceSample, Floats, Frame, Image
from agent.senses.faces.detect import Detection, Detector
from agent.senses.faces.mesh import Fit, Mesh, Roi, roi_of_detection, roi_of_mesh
from agent.senses.faces.models import Models, load, shared
from agent.senses.faces.people import Found, choose_main, found
from agent.senses.faces.track import Tracker, as_sample

__all__ = [
    "Detection",
    "Detector",
    "Faces",
    "Fit",
    "Found",
    "Mesh",
    "Models",
    "Roi",
    "choose_main",
    "face_in",
    "load",
]


class Faces:
    """All faces of one clip: push its pictures in order, then finish once."""

    def __init__(self, models: Models | None = None) -> None:
        """Raises AssetError where no model file can be had."""
        self.models = models or load()
        self._tracker = Tracker(self.models)

    @property
    def version(self) -> str:
        """Changes when the numbers would."""
        return f"faces-1-{self.models.name}"

    def push(self, frame: Frame) -> list[FaceSample]:
        """Every face in this picture, in order of track number."""
        return [self.shaped(sample) for sample in self.follow(frame)]

    def follow(self, frame: Frame, then: Frame | None = None) -> list[FaceSample]:
        """`push` without blendshapes, which the next picture does not need.

        Given the next picture too, its meshes are begun while this one's are judged.
        """
        return self._tracker.push(frame, then)

    def shaped(self, sample: FaceSample) -> FaceSample:
        """The sample with its blendshapes, where there is a model for them.

        One thread may do this while another goes on with `follow`.
        """
        return shaped(sample, self.models)

    def finish(self) -> Found:
        """The people, their tracks, and what is missing."""
        self._tracker.close()
        result = found(self._tracker.tracks, self._tracker.times)
        return Found(result.people, result.tracks, self._missing(result), result.centrality)

    def _missing(self, result: Found) -> tuple[Missing, ...]:
        missing = []
        if not result.people:
            missing.append(Missing(what="face", why=self._tracker.why_nobody()))
        elif self.models.without:
            missing.append(Missing(what="blendshapes", why=self.models.without))
        return tuple(missing)


def face_in(
    image: Image, previous: Floats | None = None, models: Models | None = None
) -> FaceSample | None:
    """The largest face in an RGB picture, as a FaceSample of track 0; None without one.

    `previous` is the mesh of the picture before, when this picture follows on it: the
    face is then looked for in the same place first, which is faster and steadier.
    """
    models = models or shared()
    fit = models.mesh.fit(image, roi_of_mesh(previous)) if previous is not None else None
    if fit is None or fit.score < 0.5:
        fits = [models.mesh.fit(image, roi_of_detection(d)) for d in models.detector.find(image)]
        fit = max((f for f in fits if f.score >= 0.5), key=_extent, default=None)
        if fit is None:
            return None
        # A second look, at the region of the mesh itself: what a tracked face gets.
        fit = models.mesh.fit(image, roi_of_mesh(fit.points))
    return shaped(as_sample(Frame(0, 0.0, image), 0, fit), models)


def shaped(sample: FaceSample, models: Models) -> FaceSample:
    """The sample with its blendshapes, where there is a model for them."""
    return replace(sample, blendshapes=models.mesh.blendshapes(sample.mesh))


def _extent(fit: Fit) -> float:
    low, high = fit.points[:, :2].min(axis=0), fit.points[:, :2].max(axis=0)
    return float((high - low).max())
