"""What the face mesh makes of a rendered face: both meshes, blendshapes, the frontal patch.

Looks through the very networks that `duchenne look` uses, at a region that wobbles as a
tracked one does. Knows nothing about muscles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from agent.assets.resolve import AssetError
from agent.schema.samples import Floats, Image
from agent.senses.faces.mesh import Fit, roi_of_detection, roi_of_mesh
from agent.senses.faces.models import Models, load
from agent.senses.faces.quality import judge
from agent.senses.units.face_frame import MeanFace


@dataclass(frozen=True, slots=True)
class Seen:
    """One face through both meshes."""

    large: Fit
    """478 points."""
    blendshapes: Floats | None
    """52 scores of the larger mesh."""
    small: Fit
    """468 points."""
    patch: npt.NDArray[np.uint8]
    """Grey frontal patch, aligned by one of the meshes."""
    quality: float


class Eyes:
    """Detector and both meshes, following one face."""

    def __init__(self, mean: MeanFace) -> None:
        self._large, self._small = load(), load(bundle=False)
        if self._large.without:
            raise AssetError(f"rendered faces are seen through both meshes; {self._large.without}")
        self._mean = mean
        self._last: tuple[Floats, Floats] | None = None

    def forget(self) -> None:
        """A new shot begins."""
        self._last = None

    def see(self, image: Image, rng: np.random.Generator) -> Seen | None:
        """The face in this picture; None where it is not found."""
        fits = self._follow(image, rng) or self._find(image, rng)
        if fits is None:
            return None
        large, small = fits
        self._last = (large.points, small.points)
        chosen = large if rng.random() < 0.5 else small
        patch = self._mean.patch(image, self._mean.upright(chosen.points))
        shapes = self._large.mesh.blendshapes(large.points)
        return Seen(large, shapes, small, patch, judge(large))

    def _follow(self, image: Image, rng: np.random.Generator) -> tuple[Fit, Fit] | None:
        if self._last is None:
            return None
        fits = tuple(
            _fit(models, image, last, rng)
            for models, last in zip((self._large, self._small), self._last, strict=True)
        )
        return (fits[0], fits[1]) if min(fit.score for fit in fits) >= 0.5 else None

    def _find(self, image: Image, rng: np.random.Generator) -> tuple[Fit, Fit] | None:
        found = self._large.detector.find(image)
        if not found:
            return None
        roi = roi_of_detection(max(found, key=lambda face: face.box[3]))
        fits = []
        for models in (self._large, self._small):
            first = models.mesh.fit(image, roi)
            if first.score < 0.5:
                return None
            fits.append(_fit(models, image, first.points, rng))
        return (fits[0], fits[1]) if min(fit.score for fit in fits) >= 0.5 else None


def _fit(models: Models, image: Image, last: Floats, rng: np.random.Generator) -> Fit:
    """The mesh at a region that is a little off, as a moving face's is."""
    roi = roi_of_mesh(last)
    off = rng.normal(0, 0.015 * roi.side, 2)
    roi = replace(
        roi,
        x=roi.x + float(off[0]),
        y=roi.y + float(off[1]),
        side=roi.side * float(np.exp(rng.normal(0, 0.02))),
        angle=roi.angle + float(rng.normal(0, 0.02)),
    )
    return models.mesh.fit(image, roi)
