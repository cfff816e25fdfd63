"""What must not change a reading: a clip played again, silence, order, a still that is held."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import spoken
from made_clips import cut, held, looped, padded
from test_reading import CALM, SMILING, record, smile

from agent.facs.prototypes import BASIC
from agent.perception import look as perceive
from agent.reading.judge import judge
from agent.reading.model import face_moments
from agent.reading.over_time import emotions, phases
from agent.schema.evidence import Evidence, Window, number

ROOT = Path(__file__).resolve().parents[1]
MEDIA = ROOT / "tests" / "media"
EXAMPLE = ROOT / "docs" / "example" / "example.mp4"
VOICES = sorted((ROOT.parent / "shared" / "media" / "audio").glob("emodb_*.wav")) or [None]
"""Acted voices where they are; else one is made."""
GRIEF = {"AU01": 2.5, "AU04": 2.5, "AU15": 2.5, "AU17": 2.0}
ANGER = {"AU04": 3.5, "AU07": 2.5, "AU23": 2.5, "AU24": 2.5}
Shares = Mapping[str, float]


def seen(clip: Path, cache: Path) -> Evidence:
    return perceive.look(perceive.Request(clip, cache=cache)).evidence


def apart(one: Shares, other: Shares) -> float:
    """The largest difference of a share."""
    return max(abs(one[label] - other[label]) for label in BASIC)


def top(shares: Shares) -> str:
    return max(shares, key=lambda label: shares[label])


def again(evidence: Evidence, times: int) -> Evidence:
    """The record of a clip that is the same clip so many times on end."""
    length = evidence.media.duration
    cues, windows = [], []
    for turn in range(times):
        by = turn * length
        cues += [
            c.model_copy(
                update={"id": "", "start": c.start + by, "apex": c.apex + by, "end": c.end + by}
            )
            for c in evidence.cues
        ]
        windows += [
            w.model_copy(update={"start": w.start + by, "end": w.end + by})
            for w in evidence.windows
        ]
    people = tuple(
        p.model_copy(update={"end": p.end + (times - 1) * length}) for p in evidence.people
    )
    media = evidence.media.model_copy(update={"duration": times * length})
    return evidence.model_copy(
        update={
            "media": media, "people": people, "cues": number(cues), "windows": tuple(windows),
        }
    )  # fmt: skip


@pytest.mark.parametrize("times", [2, 5, 12])
def test_the_same_evidence_again_leaves_the_shares(times: int, tmp_path: Path) -> None:
    made = record(*[{}] * 5, *[SMILING] * 3, {}, *[ANGER] * 3, cues=(smile(2.5, 4.0),))
    for evidence in (made, seen(EXAMPLE, tmp_path)):
        one, many = judge(evidence), judge(again(evidence, times))
        assert apart(one.shares, many.shares) < 0.005
        assert one.valence == pytest.approx(many.valence, abs=0.01)
        assert one.confidence == pytest.approx(many.confidence, abs=0.02)


def test_a_clip_played_twice_reads_as_once(tmp_path: Path) -> None:
    """The senses see twice the pictures; what they find at the seam may differ a little."""
    once = judge(seen(EXAMPLE, tmp_path))
    twice = judge(seen(looped(EXAMPLE, 2, tmp_path / "twice.mkv"), tmp_path))
    assert apart(once.shares, twice.shares) < 0.02
    assert top(once.shares) == top(twice.shares)


def test_a_voice_that_touches_a_moment_does_not_fill_it() -> None:
    """A voice that begins 2 ms before a moment ends must hardly count in it."""
    face = record(*[{}] * 8)
    loud = Window(
        person="P1", sense="voice", start=2.0, end=4.0, quality=0.9,
        values={"pitch_mean": 30.0, "pitch_sd": 0.4, "flux_mean": 2.0, "loudness_sd": 0.5},
    )  # fmt: skip
    smiling = number([smile(0.0, 2.0)])
    found = {
        begin: judge(
            face.model_copy(
                update={
                    "windows": (*face.windows, loud.model_copy(update={"start": begin})),
                    "cues": smiling,
                }
            )
        )
        for begin in (2.0, 1.998)
    }
    first = {begin: judged.each[0] for begin, judged in found.items()}
    assert apart(first[2.0], first[1.998]) < 0.02


@pytest.mark.parametrize("wav", VOICES, ids=lambda wav: wav.stem if wav else "made")
def test_silence_around_a_voice_leaves_its_label(wav: Path | None, tmp_path: Path) -> None:
    wav = wav or spoken.write(tmp_path / "made.wav", spoken.phrase({}))
    bare = judge(seen(wav, tmp_path)).shares
    for before, after in ((1.0, 1.0), (0.3, 2.5)):
        wide = padded(wav, before, after, tmp_path / f"{before}.wav")
        shares = judge(seen(wide, tmp_path)).shares
        assert top(shares) == top(bare) and apart(shares, bare) < 0.05


@pytest.mark.parametrize("name", ["ann_smile", "ann_surprise", "ben_neutral", "cleo_anger"])
def test_a_still_held_reads_as_the_still_does(name: str, tmp_path: Path) -> None:
    """Nobody can tell rest from feeling where nothing moves, so nothing is taken off. Compressed
    frames are measured a little otherwise than the picture."""
    still = judge(seen(MEDIA / f"{name}.jpg", tmp_path)).shares
    clip = judge(seen(held(MEDIA / f"{name}.jpg", 3.0, tmp_path / "held.mkv"), tmp_path)).shares
    assert top(still) == top(clip) and apart(still, clip) < 0.1


@pytest.mark.parametrize("doubt", [0.0, 0.6, 1.2])
def test_a_face_that_never_changes_is_read_as_one_picture_of_it(doubt: float) -> None:
    face = CALM | {"AU04": doubt, "AU15": doubt}
    (still,) = face_moments(record(face, seconds=0.0), "P1")
    clip = face_moments(record(*[face] * 20), "P1")
    assert all(apart(still.shares, moment.shares) < 1e-6 for moment in clip)


@pytest.mark.parametrize("feeling, label", [(GRIEF, "sadness"), (ANGER, "anger")])
def test_what_a_clip_opens_in_is_not_taken_for_rest(feeling: dict[str, float], label: str) -> None:
    """Long in tears and calm for a moment: the order does not matter, the tears stay."""
    opens = face_moments(record(*[feeling] * 20, *[{}] * 4), "P1")
    ends = face_moments(record(*[{}] * 4, *[feeling] * 20), "P1")
    alone = face_moments(record(feeling, seconds=0.0), "P1")[0].shares
    assert top(opens[0].shares) == label
    assert opens[0].shares[label] > alone[label] - 0.1
    assert apart(opens[0].shares, ends[-1].shares) < 1e-6
    assert top(opens[-1].shares) == "neutral"


def test_a_clip_cut_into_anger_still_opens_in_anger(tmp_path: Path) -> None:
    clip = cut(EXAMPLE, 6.0, 9.1, tmp_path / "cut.mkv")
    labels = [phase.label for phase in phases(emotions(seen(clip, tmp_path)))]
    assert labels[0] == "anger" and labels[-1] == "neutral"


def test_a_still_is_one_piece() -> None:
    """Its span is from 0 to 0; what is cut there must not vanish."""
    still = record({**dict.fromkeys(("AU06", "AU12"), 3.0)})
    media = still.media.model_copy(update={"duration": 0.0})
    windows = tuple(w.model_copy(update={"start": 0.0, "end": 0.0}) for w in still.windows)
    people = tuple(p.model_copy(update={"start": 0.0, "end": 0.0}) for p in still.people)
    judged = judge(still.model_copy(update={"media": media, "windows": windows, "people": people}))
    assert judged.shares
    assert top(judged.shares) == "happiness"
