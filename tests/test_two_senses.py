"""Where a clip contradicts itself: channels that cancel out, counts of what was left out."""

from __future__ import annotations

from pathlib import Path

import av
import by_hand
import numpy as np
import pytest

from agent import media
from agent.qa.answer import reply
from agent.reading.rules import appraise
from agent.schema.evidence import Evidence, Missing, number
from agent.schema.samples import Sound
from agent.senses.units import series
from agent.senses.units.events import Event

TONE = (0.3 * np.sin(2 * np.pi * 220 * np.arange(3 * 48_000) / 48_000)).astype(np.float32)
NOISE = np.random.default_rng(1).normal(0, 0.1, len(TONE)).astype(np.float32)


def stereo(path: Path, left: np.ndarray, right: np.ndarray) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48_000, layout="stereo")
        both = (np.stack([left, right], axis=1) * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.rate, frame.pts = 48_000, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def heard(path: Path) -> tuple[float, list[str]]:
    """Power of the sound, and what is said of it."""
    with media.stream(path, video=False) as items:
        blocks = [item.samples for item in items if isinstance(item, Sound)]
    return float(np.square(np.concatenate(blocks)).mean()), [m.what for m in items.missing]


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_channels_that_cancel_out_are_heard_by_one_of_them(tmp_path: Path, share: float) -> None:
    power, notes = heard(stereo(tmp_path / "a.wav", TONE, -share * TONE))
    assert power == pytest.approx(0.045, rel=0.1) and notes == ["channels"]


@pytest.mark.parametrize(
    ("left", "right", "power"),
    [(TONE, TONE, 0.045), (TONE, 0 * TONE, 0.011), (TONE, NOISE, 0.0138), (0 * TONE, 0 * TONE, 0)],
)
def test_other_pairs_of_channels_are_mixed(
    tmp_path: Path, left: np.ndarray, right: np.ndarray, power: float
) -> None:
    found, notes = heard(stereo(tmp_path / "a.wav", left, right))
    assert found == pytest.approx(power, rel=0.15, abs=1e-6) and not notes


def test_a_voice_that_cancels_only_later_is_still_heard(tmp_path: Path) -> None:
    half = len(TONE) // 2
    right = np.concatenate([TONE[:half], -TONE[half:]])
    power, notes = heard(stereo(tmp_path / "a.wav", TONE, right))
    assert power == pytest.approx(0.045, rel=0.25) and notes == ["channels"]


def event(au: int, at: float, peak: float) -> Event:
    return Event(au, None, at, at + 0.1, at + 0.2, peak, 0.1, 0.05, 0.2, 8, True, True)


def test_every_blink_is_kept_and_the_weakest_of_many_others_are_not() -> None:
    many = [event(au, 0.5 * n, 2 + n % 3) for n in range(120) for au in (45, 12)]
    kept, missing = series.sift(sorted(many, key=lambda e: e.onset), 60.0)
    assert sum(e.au == 45 for e in kept) == 120
    assert sum(e.au == 12 for e in kept) == series.MOST + series.PER_MINUTE
    assert [gap.what for gap in missing] == ["events of AU12"]


def raised_brows(strength: float, left_out: bool) -> Evidence:
    cues = [by_hand.face("AU01", 2.0 * n, 2.0 * n + 0.8, strength) for n in range(4)]
    why = "P1: 9 weaker of 13 are left out; the series has them all"
    gaps = (Missing(what="events of AU01", why=why),) if left_out else ()
    return by_hand.smiling(cues=number(cues), missing=gaps)


@pytest.mark.parametrize(
    ("strength", "left_out", "least"), [(3.0, True, True), (3.0, False, False), (1.0, True, False)]
)
def test_a_count_of_what_was_cut_says_at_least(
    strength: float, left_out: bool, least: bool
) -> None:
    evidence = raised_brows(strength, left_out)
    for question in ("How many times is AU1 seen?", "How often a minute is AU1 seen?"):
        said, *_ = reply(evidence, question, appraise(evidence))
        assert ("at least" in said.lower()) == least, said
