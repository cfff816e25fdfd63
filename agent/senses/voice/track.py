"""The voice in a clip: where somebody speaks, and how it sounds, in rows of 10 ms.

Streams: blocks of sound go in, columns of numbers stay. Knows no faces and no words, and does
not tell voices apart; `agent.senses.voice.speaking` says whose mouth moves. What the rows amount
to (high, fast, pressed) is worked out in `agent.senses.voice.delivery`.

Speech is found by Silero's voice activity network (MIT, snakers4/silero-vad), pitch and
quality by `agent.senses.voice.prosody`. Laughter and crying are not looked for: without labelled
examples to measure against, a detector of them could not be called honest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.assets.resolve import asset
from agent.schema.evidence import Cue, Missing, Window
from agent.schema.samples import Columns, Floats, Sound
from agent.senses.voice import delivery, descriptors, prosody
from agent.senses.voice.prosody import HOP, RATE, WINDOW

SPEECH: Final = 0.5
"""Voice activity above which speech begins; it goes on down to 0.15 less (Silero's advice)."""
SHORTEST: Final = 0.12
"""Seconds; a shorter burst is not taken for speech."""
PAUSE: Final = 0.25
"""Seconds of silence that end a phrase; shorter ones belong to articulation (Goldman-Eisler)."""
LONGEST: Final = 4.0
"""Seconds; longer phrases are cut at their quietest place, so that cues stay local."""
LARGEST_GAP: Final = 24 * 3600.0
_BLOCK: Final = 100
"""Rows measured at a time: a second."""
_CHUNK: Final = 512
_CONTEXT: Final = 64
_SLACK: Final = 0.02
"""Seconds by which a block's time may be off before it counts as a gap or an overlap."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one pass over the sound found."""

    series: Columns
    """time in s, vad 0–1, f0_hz (NaN unvoiced), energy_db and hnr_db, cpp_db, tilt_db as in
    `prosody`, syllable (1 at a nucleus, else 0). One row per 10 ms; empty without sound."""
    phrases: tuple[Span, ...]
    """Stretches of speech between pauses, in seconds."""
    cues: tuple[Cue, ...]
    """Ids and people are not set yet."""
    missing: tuple[Missing, ...]
    baseline: delivery.Baseline | None
    """How this voice usually sounds; hand it to the next `Voice` as an enrolment."""
    descriptors: Columns = field(default_factory=dict)
    """One row per 10 ms, as `descriptors.agreeing` gives them; empty without sound."""
    windows: tuple[Window, ...] = ()
    """One for each utterance, with its functionals; people are not set yet."""

    @property
    def columns(self) -> Columns:
        """Series and descriptors side by side."""
        return {**self.series, **self.descriptors}


class Detector:
    """Silero's network, one chunk of 512 samples after the other."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises AssetError where the model file cannot be had."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            str(path or asset("silero_vad.onnx")), options, providers=["CPUExecutionProvider"]
        )
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rate = np.array(RATE, np.int64)

    def reset(self) -> None:
        """Forget what was heard, before another sound."""
        self._state = np.zeros_like(self._state)
        self._context = np.zeros_like(self._context)

    def probability(self, chunk: Floats) -> float:
        """Probability 0–1 that the next 512 samples at 16 kHz are speech."""
        row = np.concatenate([self._context, chunk])[None]
        inputs = {"input": row, "state": self._state, "sr": self._rate}
        out, self._state = self._session.run(None, inputs)
        self._context = chunk[-_CONTEXT:]
        return float(out[0, 0])


class Voice:
    """Push blocks of sound in order of time, then finish once."""

    def __init__(
        self, detector: Detector | None = None, baseline: delivery.Baseline | None = None
    ) -> None:
        """`baseline`: how this speaker usually sounds, from an enrolment clip.

        Raises AssetError where the voice activity model cannot be had.
        """
        self._detector = detector or Detector()
        self._baseline = baseline
        self._start: float | None = None
        self._taken = 0
        # Half a window of silence before the first sample centres row 0 on it.
        self._frames = np.zeros(WINDOW // 2, np.float32)
        self._chunk = np.zeros(0, np.float32)
        self._rows: list[prosody.Frames] = []
        self._described: list[Columns] = []
        self._vad: list[float] = []

    def push(self, sound: Sound) -> None:
        """Take a block of any length; a gap in time is filled with silence, overlap dropped.

        Raises ValueError for samples that are not one-dimensional or a gap of over a day.
        """
        samples = np.asarray(sound.samples, np.float32)
        if samples.ndim != 1:
            raise ValueError(
                f"sound must be mono, one-dimensional; got shape {samples.shape}: "
                "average the channels first"
            )
        if self._start is None:
            self._start = sound.time
        ahead = sound.time - self._start - self._taken / RATE
        if ahead > LARGEST_GAP:
            raise ValueError(f"sound jumps {ahead:.0f} s ahead at {sound.time:.1f} s: cut the clip")
        if ahead > _SLACK:
            self._silence(round(ahead * RATE))
        elif ahead < -_SLACK:
            samples = samples[round(-ahead * RATE) :]
        self._take(np.nan_to_num(np.clip(samples, -1, 1)))

    def _silence(self, count: int) -> None:
        for _ in range(count // RATE):
            self._take(np.zeros(RATE, np.float32))
        self._take(np.zeros(count % RATE, np.float32))

    def _take(self, samples: Floats) -> None:
        self._taken += len(samples)
        self._measure(samples)
        self._chunk = np.concatenate([self._chunk, samples])
        whole = len(self._chunk) // _CHUNK * _CHUNK
        for i in range(0, whole, _CHUNK):
            self._vad.append(self._detector.probability(self._chunk[i : i + _CHUNK]))
        self._chunk = self._chunk[whole:]

    def _measure(self, samples: Floats, rows: int = _BLOCK) -> None:
        """Measure blocks of `rows` frames as soon as their samples are there."""
        self._frames = np.concatenate([self._frames, samples])
        step, need = rows * HOP, (rows - 1) * HOP + WINDOW
        while len(self._frames) >= need:
            block = self._frames[:need]
            power = prosody.spectra(block)
            found = prosody.measured(power)
            self._rows.append(found)
            self._described.append(descriptors.describe(block, power, found))
            self._frames = self._frames[step:]

    def finish(self) -> Heard:
        """Series, phrases and cues of everything pushed."""
        if self._start is None or not self._taken:
            return _nothing("sound", "the clip has no sound")
        self._measure(np.zeros(WINDOW // 2, np.float32))
        self._measure(np.zeros(0, np.float32), rows=1)
        self._vad.append(
            self._detector.probability(np.pad(self._chunk, (0, _CHUNK - len(self._chunk))))
        )
        rows = prosody.Frames(*(np.concatenate(column) for column in zip(*self._rows, strict=True)))
        series, phrases = _series(rows, self._vad, self._start)
        described = {
            name: np.concatenate([block[name] for block in self._described])
            for name in descriptors.NAMES
        }
        more = descriptors.agreeing(described, series["f0_hz"].astype(np.float32))
        return _heard(series, more, phrases, self._baseline)


def _nothing(what: str, why: str) -> Heard:
    empty = np.zeros(0, np.float32)
    return Heard(dict.fromkeys(COLUMNS, empty), (), (), (Missing(what=what, why=why),), None)


COLUMNS: Final = ("time", "vad", "f0_hz", "energy_db", "hnr_db", "cpp_db", "tilt_db", "syllable")
"""Columns of the series, in order."""


def phrases_of(series: Columns) -> tuple[Span, ...]:
    """The phrases, in seconds, that the columns `time`, `vad` and `energy_db` imply."""
    time = series["time"].astype(np.float64)
    runs = _cut(_spoken(series["vad"].astype(np.float32)), series["energy_db"].astype(np.float32))
    return tuple((float(time[a]), float(time[b - 1])) for a, b in runs)


def _series(
    rows: prosody.Frames, vad: Sequence[float], start: float
) -> tuple[Columns, tuple[Span, ...]]:
    n = len(rows.energy_db)
    time = np.arange(n) * (HOP / RATE)
    middle = (np.arange(len(vad)) + 0.5) * (_CHUNK / RATE)
    activity = np.interp(time, middle, vad).astype(np.float32)
    spans = _cut(_spoken(activity), rows.energy_db)
    f0, hnr, syllable = (np.full(n, np.nan, np.float32) for _ in range(3))
    syllable[:] = 0
    loud = _level(rows.energy_db, spans)
    for a, b in _stretches(spans, n):
        level = max(_level(rows.energy_db, [(a, b)]), loud - 20)
        path = prosody.pitch(rows.f0[a:b], rows.r[a:b], rows.energy_db[a:b], level)
        f0[a:b], hnr[a:b] = path.f0_hz, path.hnr_db
        band = rows.band_db[a:b]
        syllable[a + prosody.nuclei(band, path.f0_hz, _level(band, [(0, b - a)]))] = 1
    columns = (start + time, activity, f0, rows.energy_db, hnr, rows.cpp_db, rows.tilt_db, syllable)
    seconds = tuple((start + float(time[a]), start + float(time[b - 1])) for a, b in spans)
    return dict(zip(COLUMNS, columns, strict=True)), seconds


def _spoken(vad: Floats) -> list[tuple[int, int]]:
    """Runs of speech as rows [a, b): begun above SPEECH, held down to 0.15 less."""
    held = vad >= SPEECH - 0.15
    edges = np.flatnonzero(np.diff(np.concatenate([[0], held.astype(np.int8), [0]])))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if vad[a:b].max() >= SPEECH]
    joined: list[tuple[int, int]] = []
    for a, b in runs:
        if joined and (a - joined[-1][1]) * HOP < PAUSE * RATE:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return [(a, b) for a, b in joined if (b - a) * HOP >= SHORTEST * RATE]


def _cut(runs: list[tuple[int, int]], energy_db: Floats) -> list[tuple[int, int]]:
    """Cut long runs at the quietest 50 ms of their middle part, until all are short."""
    out: list[tuple[int, int]] = []
    todo = runs[::-1]
    while todo:
        a, b = todo.pop()
        if (b - a) * HOP <= LONGEST * RATE:
            out.append((a, b))
            continue
        margin = (b - a) // 5
        smooth = np.convolve(energy_db[a + margin : b - margin], np.ones(5) / 5, "valid")
        at = a + margin + 2 + int(smooth.argmin())
        todo += [(at, b), (a, at)]
    return out


def _stretches(spans: list[tuple[int, int]], n: int) -> list[tuple[int, int]]:
    """Spans with a tenth of a second around them, joined where they touch."""
    out: list[tuple[int, int]] = []
    for a, b in spans:
        a, b = max(a - 10, 0), min(b + 10, n)
        if out and a <= out[-1][1] and b - out[-1][0] < 1000:
            out[-1] = (out[-1][0], b)
        else:
            out.append((max(a, out[-1][1]) if out else a, b))
    return out


def _level(db: Floats, spans: Sequence[tuple[int, int]]) -> float:
    """Level of the loudest vowels: the 97th percentile."""
    parts = [db[a:b] for a, b in spans]
    return float(np.percentile(np.concatenate(parts), 97)) if parts else prosody.SILENT_DB


def _heard(
    series: Columns, more: Columns, phrases: tuple[Span, ...], enrolled: delivery.Baseline | None
) -> Heard:
    if phrases:
        told = delivery.describe({**series, **more}, phrases, enrolled)
        return Heard(series, phrases, told.cues, told.missing, told.baseline, more, told.windows)
    energy: npt.NDArray[np.floating] = series["energy_db"].astype(np.float32)
    loudest = float(np.percentile(energy, 99))
    why = (
        f"the sound track is silent (at most {loudest:.0f} dB of full scale)"
        if loudest < -60
        else "there is sound, but nobody was heard speaking"
    )
    return Heard(series, (), (), (Missing(what="speech", why=why),), None, more)
