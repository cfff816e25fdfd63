"""Baselines for the people of a benchmark: which of their clips tell how they usually are.

Two ways, and neither may help a score unseen. A label (`neutral`): the person's first clip with
it, which then leaves the test; it uses a label, and says so. `others`: the sound of all the
person's clips together, no label used; the person's usual voice, as an owner of a recording
would know it. Faces keep their own clip's baseline then.
"""

from __future__ import annotations

import hashlib
import os
import wave
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from agent.util.cache import cache_dir
from eval.samples import Sample

OTHERS: Final = "others"
RATE: Final = 16_000
LONGEST: Final = 60.0
"""Seconds of sound that are enough to know a voice."""


def by_label(samples: Sequence[Sample], label: str) -> dict[str, Path]:
    """Each person's first clip with this label, in order of id."""
    found: dict[str, Path] = {}
    for sample in sorted(samples, key=lambda s: s.id):
        named = sample.person and sample.person not in found
        if named and sample.path and sample.labels.get("label") == label:
            found[str(sample.person)] = sample.clip or sample.path
    return found


def together(samples: Sequence[Sample]) -> dict[str, Path]:
    """A sound file of all clips of each person who has at least two, kept in the cache.

    Raises MediaError for a clip that cannot be read, OSError.
    """
    clips: dict[str, list[Path]] = defaultdict(list)
    for sample in samples:
        if sample.person and sample.path and sample.path not in clips[sample.person]:
            clips[sample.person].append(sample.path)
    return {person: _joined(paths) for person, paths in clips.items() if len(paths) > 1}


def _joined(paths: Sequence[Path]) -> Path:
    """The first LONGEST seconds of these clips' sound, one after another, as 16 kHz mono."""
    from agent import media

    parts = [f"{p.resolve()} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in paths]
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    file = cache_dir("eval", "voices") / f"{name}.wav"
    if file.exists():
        return file
    room, sounds = int(LONGEST * RATE), []
    for path in paths:
        sounds.append(media.sound(path).samples[:room])
        room -= len(sounds[-1])
        if room <= 0:
            break
    whole = np.concatenate(sounds) if sounds else np.zeros(0, np.float32)
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{os.getpid()}-{file.name}")
    with wave.open(str(scratch), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(whole, -1, 1) * 32767).astype("<i2").tobytes())
    scratch.replace(file)
    return file
