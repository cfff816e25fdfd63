from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.schema.evidence import Cue
from agent.schema.samples import Columns, Frame
from agent.senses.voice import delivery
from agent.senses.voice.speaking import Mouth, Mouths, Speaking, attribute, by_speaker, who_speaks
from agent.senses.voice.track import Heard, phrases_of

FPS = 25


def voice(*phrases: tuple[float, float], end: float = 8.0) -> Columns:
    """Columns of a voice that speaks in these spans, four syllables a second."""
    time = np.arange(0, end, 0.01)
    said = np.zeros(len(time), bool)
    for a, b in phrases:
        said |= (time >= a) & (time < b)
    loud = np.where(said, -25 + 8 * np.sin(2 * np.pi * 4 * time), -80)
    vad = np.where(said, 0.95, 0.02)
    return {"time": time, "vad": vad.astype(np.float32), "energy_db": loud.astype(np.float32)}


def lips(*moving: tuple[float, float], end: float = 8.0, seed: int = 0) -> Mouth:
    """A mouth that opens and closes twice a second in these spans, and trembles as meshes do."""
    time = np.arange(0, end, 1 / FPS)
    gap = np.full(len(time), 0.03)
    for a, b in moving:
        inside = (time >= a) & (time < b)
        gap[inside] += 0.12 * np.abs(np.sin(2 * np.pi * 2 * (time[inside] - a)))
    return time, gap + np.random.default_rng(seed).normal(0, 0.003, len(time))


def said(start: float, end: float, code: str = "pitch") -> Cue:
    return Cue(
        sense="voice", person=None, code=code, start=start, apex=start, end=end, text="",
        confidence=0.5,
    )  # fmt: skip


def test_the_face_whose_lips_move_with_the_voice_speaks() -> None:
    found = who_speaks(voice((1, 3), (5, 7)), {"P1": lips(), "P2": lips((1, 3), (5, 7))})
    assert found.share == {"P1": 0.0, "P2": 1.0}
    assert found.lips == "match" and found.missing == ()
    assert found.confidence > 0.5


def test_two_people_who_take_turns_are_told_apart_and_cues_follow() -> None:
    series = voice((1, 3), (4, 7))
    mouths = {"P1": lips((0.9, 3.1)), "P2": lips((3.9, 7.1), seed=1)}
    found = who_speaks(series, mouths)
    assert [span.person for span in found.spans] == ["P1", "P2"]
    assert found.share["P1"] == pytest.approx(0.4, abs=0.03)
    cues = attribute([said(1, 3), said(4.5, 6), said(1, 7), said(3, 4, "pause")], found)
    assert [cue.person for cue in cues] == ["P1", "P2", None, None]


def test_a_pause_belongs_to_whoever_speaks_around_it() -> None:
    found = who_speaks(voice((1, 3), (4, 7)), {"P1": lips((0.9, 3.1), (3.9, 7.1))})
    assert attribute([said(3, 4, "pause")], found)[0].person == "P1"


def test_still_lips_under_a_voice_are_a_mismatch_that_is_declared() -> None:
    found = who_speaks(voice((1, 7)), {"P1": lips()})
    assert found.lips == "mismatch" and found.share == {"P1": 0.0}
    assert "voice does not match lips" in found.missing[0].why
    assert attribute([said(1, 7)], found)[0].person is None


def test_a_smile_that_opens_the_mouth_once_is_not_speech() -> None:
    time, gap = lips()
    gap = gap + 0.2 * np.clip((time - 2) / 0.4, 0, 1)
    assert who_speaks(voice((1, 4)), {"P1": (time, gap)}).lips == "mismatch"


def test_trembling_of_a_small_blurred_face_is_not_speech() -> None:
    time, gap = lips()
    shaken = gap + np.random.default_rng(3).normal(0, 0.05, len(time))
    assert who_speaks(voice((1, 7)), {"P1": (time, shaken)}).lips != "match"


def test_what_cannot_be_told_is_not_told() -> None:
    series = voice((1, 7))
    time, gap = lips((1, 7))
    slow = who_speaks(series, {"P1": (time[::4], gap[::4])})
    assert slow.lips == "unknown" and "times a second" in slow.missing[0].why
    away = who_speaks(series, {"P1": (time[:10], gap[:10])})
    assert away.lips == "unknown" and away.confidence == 0
    assert who_speaks(voice(), {"P1": (time, gap)}).spans == ()
    assert who_speaks(series, {}).missing == ()


def test_cues_of_faces_and_known_people_are_left_alone() -> None:
    found = who_speaks(voice((1, 7)), {"P1": lips((1, 7))})
    face = said(1, 7).model_copy(update={"sense": "face"})
    other = said(1, 7).model_copy(update={"person": "P9"})
    assert attribute([face, other], found) == (face, other)


def test_two_speakers_are_each_measured_against_their_own_voice() -> None:
    """P2's voice is an octave higher; only P2's last phrase is raised."""
    turns = [(i * 2.0, i * 2.0 + 1.6) for i in range(14)]
    series = voice(*turns, end=28)
    time = series["time"].astype(float)
    pitch = np.full(len(time), np.nan)
    for i, (a, b) in enumerate(turns):
        pitch[(time >= a) & (time < b)] = 300 if i == 13 else 220 if i % 2 else 110
    rest = dict.fromkeys(("hnr_db", "tilt_db", "syllable"), np.zeros(len(time)))
    series = series | rest | {"f0_hz": pitch}
    mouths = {
        "P1": lips(*turns[::2], end=28), "P2": lips(*turns[1::2], end=28, seed=1),
    }  # fmt: skip
    phrases = phrases_of(series)
    told = delivery.describe(series, phrases)
    found = by_speaker(
        Heard(series, phrases, told.cues, told.missing, told.baseline), who_speaks(series, mouths)
    )
    high = [cue for cue in found.cues if cue.code == "pitch" and (cue.relative or 0) > 1]
    assert [(cue.person, round(cue.start)) for cue in high] == [("P2", 26)]
    whole = {c.person: c.value for c in found.cues if c.code == "pitch" and c.relative is None}
    assert whole == {"P1": pytest.approx(110), "P2": pytest.approx(220)}
    assert not any(cue.code == "pause" for cue in found.cues), "the other one speaks in between"


# --- real clips -----------------------------------------------------------------------------


def joined(clip: Path) -> Speaking:
    """Faces and voice of a clip through the real senses."""
    from agent import media
    from agent.schema.samples import Sound
    from agent.senses.faces import face_in
    from agent.senses.voice.track import Voice

    ear, mouths, mesh = Voice(), Mouths(), None
    with media.stream(clip) as items:
        for item in items:
            if isinstance(item, Sound):
                ear.push(item)
            elif isinstance(item, Frame) and (face := face_in(item.image, mesh)):
                mesh = face.mesh
                mouths.push(replace(face, frame=item))
    return who_speaks(ear.finish().series, mouths.finish({"P1": [0]}))


@pytest.mark.parametrize(
    ("clip", "lips_are", "share"),
    [
        ("talks", "match", 1.0),
        ("dubbed_anger", "mismatch", 0.0),
        ("dubbed_neutral", "mismatch", 0.0),
    ],
)
def test_rendered_talkers_match_their_voice_and_dubbed_smiles_do_not(
    media: Path, clip: str, lips_are: str, share: float
) -> None:
    found = joined(media / f"{clip}.mp4")
    assert (found.lips, found.share["P1"]) == (lips_are, share)
    assert found.confidence > 0.5


@pytest.mark.parametrize(
    ("clip", "lips_are", "share"),
    [
        ("sadtalker_wda_aoc.mp4", "match", 1.0),
        ("nc/ravdess_01-01-01-01-01-01-01.mp4", "match", 1.0),
        ("composite_smile_face_angry_voice_de.mp4", "mismatch", 0.0),
        ("composite_smile_face_happy_voice_de.mp4", "mismatch", 0.0),
    ],
)
def test_real_talkers_match_their_voice_and_dubbed_smiles_do_not(
    shared: Path, monkeypatch: pytest.MonkeyPatch, clip: str, lips_are: str, share: float
) -> None:
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    found = joined(shared / "media/video" / clip)
    assert found.lips == lips_are
    assert found.share["P1"] == share
    assert found.confidence > 0.6
