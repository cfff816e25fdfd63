"""Faces followed from picture to picture.

Knows place and time: a track is one face seen without a break. Which tracks are one
person is decided at the end (`people`). A face is looked for where its mesh was; the
detectors run at the start of each shot, where a face got lost, and now and then for
newcomers. Nothing is kept of a picture but numbers.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from agent.schema.samples import FaceSample, Floats, Frame
from agent.senses.faces.ahead import Ahead
from agent.senses.faces.detect import Detection, Effort, iou, nested
from agent.senses.faces.look import Look
from agent.senses.faces.mesh import Fit, roi_of_detection, roi_of_mesh
from agent.senses.faces.models import Models
from agent.senses.faces.quality import judge
from agent.senses.faces.scene import Cuts

HOLD = 0.5
"""Least mesh score of a face that is followed."""
ACCEPT = 0.8
"""Least mesh score of a new face."""
EVERY = 0.8
"""Seconds between looks for newcomers while somebody is there."""
SEARCH = 0.2
"""Seconds between looks while somebody is missing."""
THOROUGH = 10.0
"""Seconds between looks at tiles, for small faces."""
PATIENCE = 1.0
"""Seconds in which a lost face that reappears in its place is the same track."""
SAME_SPOT = 0.3
"""Overlap (IoU) from which two boxes are one face."""
TWIN = 0.6
"""Overlap (of the smaller box) from which two boxes are one face, or a part of it."""
DARK = 8.0
"""Mean level (8-bit) of pictures in which nothing can be found."""
STAYS = 7.0
"""Colour change (levels) up to which a face continues over a cut of the background."""
SWAPPED = 20.0
"""Colour change from which a face in the same place is another one."""
DRIFT = 0.12
"""Largest mean distance of a first and second mesh of a new face, over the face's width."""


@dataclass(slots=True)
class Track:
    """One face seen without a break: one row a sample."""

    number: int
    times: array[float] = field(default_factory=lambda: array("d"))
    frames: array[int] = field(default_factory=lambda: array("q"))
    boxes: array[float] = field(default_factory=lambda: array("f"))
    """x, y, width, height of each sample, clipped, over the picture's width and height."""
    qualities: array[float] = field(default_factory=lambda: array("f"))
    look: Look = field(default_factory=Look)
    mesh: Floats | None = None
    """The latest one; None once the track has ended."""

    @property
    def box(self) -> Floats:
        """x0, y0, x1, y1 in pixels of the latest mesh."""
        assert self.mesh is not None
        return corners(self.mesh)


class Tracker:
    """Follows all faces of one clip."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._ahead = Ahead(models.mesh)
        self._cuts = Cuts()
        self._live: list[Track] = []
        self._lost: list[Track] = []
        self._due = self._due_thorough = -np.inf
        self._light = 0.0
        self.tracks: list[Track] = []
        """Every track so far, in order of appearance."""
        self.times = array("d")
        """Time of every picture so far."""

    def push(self, frame: Frame, then: Frame | None = None) -> list[FaceSample]:
        """Every face in this picture; `then` is the next one, where it is known already."""
        self.times.append(frame.time)
        meshes = [track.mesh for track in self._live if track.mesh is not None]
        new = self._ahead.fits(frame, meshes, then)
        cut = self._cuts.step(frame.image)
        self._light += self._cuts.light()
        if cut:
            self._lost.clear()
            self._due = self._due_thorough = -np.inf
        fits = dict(self._followed(frame, new, cut))
        self._lost = [t for t in self._lost if frame.time - t.times[-1] <= PATIENCE]
        if frame.time >= self._due:
            for number, fit in self._found(frame, fits):
                fits[number] = fit
            waiting = self._lost or not fits
            self._due = frame.time + (SEARCH if waiting else EVERY)
        return [self._kept(frame, self.tracks[number], fits[number]) for number in sorted(fits)]

    def _followed(self, frame: Frame, new: list[Fit], cut: bool) -> Iterator[tuple[int, Fit]]:
        """Track numbers and new meshes of the faces that are where they were."""
        boxes: list[Floats] = []
        live, self._live = self._live, []
        for track, fit in zip(live, new, strict=True):
            box = corners(fit.points)
            if (
                fit.score < HOLD
                or not _inside(box, frame)
                or track.look.changed(fit) > (STAYS if cut else SWAPPED)
            ):
                self._due = -np.inf
                if not cut:
                    self._lost.append(track)
            elif boxes and nested(box, np.stack(boxes)).max() > TWIN:
                track.mesh = None
            else:
                boxes.append(box)
                # A dissolve leads from one face to another without a break in the mesh.
                same = self._new() if track.look.other else track
                self._live.append(same)
                yield same.number, fit

    def _found(self, frame: Frame, fits: dict[int, Fit]) -> Iterator[tuple[int, Fit]]:
        """Track numbers and meshes of faces that nobody follows yet."""
        taken = [corners(fit.points) for fit in fits.values()]
        for found in self._models.detector.find(frame.image, self._effort(frame, bool(taken))):
            if taken and iou(_box(found), np.stack(taken)).max() > SAME_SPOT:
                continue
            fit = self._confirmed(frame, found)
            if fit is None:
                continue
            box = corners(fit.points)
            if taken and nested(box, np.stack(taken)).max() > TWIN:
                continue
            taken.append(box)
            track = self._back(box, fit) or self._new()
            self._live.append(track)
            yield track.number, fit

    def _effort(self, frame: Frame, somebody: bool) -> Effort:
        if frame.time >= self._due_thorough:
            self._due_thorough = frame.time + THOROUGH
            return "thorough"
        return "quick" if somebody and not self._lost else "usual"

    def _confirmed(self, frame: Frame, found: Detection) -> Fit | None:
        """The mesh of a detection, None where a second look does not agree with the first."""
        first = self._models.mesh.fit(frame.image, roi_of_detection(found))
        if first.score < ACCEPT or not _inside(corners(first.points), frame):
            return None
        second = self._models.mesh.fit(frame.image, roi_of_mesh(first.points))
        wide = float(np.ptp(second.points[:, 0]))
        apart = np.linalg.norm(second.points[:, :2] - first.points[:, :2], axis=1).mean()
        return second if second.score >= ACCEPT and apart <= DRIFT * wide else None

    def _back(self, box: Floats, fit: Fit) -> Track | None:
        """The lost track that this face continues."""
        for track in self._lost:
            if iou(box, track.box[None])[0] > SAME_SPOT / 2 and track.look.changed(fit) <= SWAPPED:
                self._lost.remove(track)
                return track
        return None

    def _new(self) -> Track:
        track = Track(len(self.tracks))
        self.tracks.append(track)
        return track

    def _kept(self, frame: Frame, track: Track, fit: Fit) -> FaceSample:
        """The sample, with its numbers noted in the track."""
        sample = as_sample(frame, track.number, fit)
        height, width = frame.image.shape[:2]
        x, y, w, h = sample.box
        track.mesh = fit.points
        track.times.append(frame.time)
        track.frames.append(frame.index)
        track.boxes.extend((x / width, y / height, w / width, h / height))
        track.qualities.append(sample.quality)
        track.look.add(fit, sample.quality, self._cuts.saturation)
        return sample

    def close(self) -> None:
        """End what still runs; tracks and times stay."""
        self._ahead.close()

    def why_nobody(self) -> str:
        """Why no face was found in the whole clip."""
        if not self.times:
            return "the clip has no pictures"
        if self._light / len(self.times) < DARK:
            return "the pictures are too dark to find a face in"
        if any(track.times for track in self.tracks):
            return "something like a face was seen too briefly to count"
        return f"no face was found in {len(self.times)} pictures (none, too small or turned away)"


def as_sample(frame: Frame, track: int, fit: Fit) -> FaceSample:
    """A mesh as a FaceSample without blendshapes, its box clipped to the picture."""
    height, width = frame.image.shape[:2]
    x0, y0, x1, y1 = np.clip(corners(fit.points), 0, (width, height, width, height)).tolist()
    box = (x0, y0, x1 - x0, y1 - y0)
    return FaceSample(frame, track, box, fit.points, None, fit.score, judge(fit))


def corners(points: Floats) -> Floats:
    """x0, y0, x1, y1 around a mesh."""
    return np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)])


def _box(found: Detection) -> Floats:
    x, y, w, h = found.box
    return np.array([x, y, x + w, y + h], np.float32)


def _inside(box: Floats, frame: Frame) -> bool:
    """Is at least half of the face in the picture?"""
    height, width = frame.image.shape[:2]
    x0, y0, x1, y1 = np.clip(box, 0, (width, height, width, height))
    area = float((box[2] - box[0]) * (box[3] - box[1]))
    return area > 0 and float((x1 - x0) * (y1 - y0)) >= 0.5 * area
