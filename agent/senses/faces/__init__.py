"""Faces: found, followed through the clip, meshed, judged.

`face_in` is the simple way for one picture; `Faces` the one for a clip.
"""

from __future__ import annotations

from agent.senses.faces.detect import Detection, Detector
from agent.senses.faces.mesh import Fit, Mesh, Roi, roi_of_detection, roi_of_mesh
from agent.senses.faces.models import Models, load, shared
from agent.senses.faces.quality import judge
from agent.senses.samples import FaceSample, Floats, Frame, Image

__all__ = ["Detection", "Detector", "Fit", "Mesh", "Models", "Roi", "face_in", "load"]


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
    # The second look, at the region of the mesh itself, is what a tracked face would get.
    if previous is None:
        fit = models.mesh.fit(image, roi_of_mesh(fit.points))
    return sample(Frame(0, 0.0, image), 0, fit)


def sample(frame: Frame, track: int, fit: Fit) -> FaceSample:
    """A mesh as a FaceSample."""
    low, high = fit.points[:, :2].min(axis=0), fit.points[:, :2].max(axis=0)
    height, width = frame.image.shape[:2]
    x, y = max(0.0, float(low[0])), max(0.0, float(low[1]))
    w, h = min(width, float(high[0])) - x, min(height, float(high[1])) - y
    return FaceSample(
        frame,
        track,
        (x, y, w, h),
        fit.points,
        fit.blendshapes,
        fit.score,
        judge(fit),
    )


def _extent(fit: Fit) -> float:
    low, high = fit.points[:, :2].min(axis=0), fit.points[:, :2].max(axis=0)
    return float((high - low).max())
