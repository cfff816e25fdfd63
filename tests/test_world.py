"""The small world: what is drawn is found again, and nothing gives the answer away."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from agent.facs.prototypes import BASIC, COMPOUND
from agent.models.brief import cue_table
from agent.render.voice_picture import decode_voice, is_voice_picture
from finetune import completion, world
from finetune.rewards import REWARDS
from finetune.world import FAMILIES, Scene
from finetune.world_voice import speak

PEOPLE = range(8)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(world.scenes(40, 3, PEOPLE))


def levels(scenes: list[Scene], code: str) -> dict[str, list[float]]:
    """Measured level of one voice cue by emotion, in scenes in which the voice tells."""
    found = defaultdict(list)
    for scene in scenes:
        for cue in scene.evidence.cues:
            if cue.code == code and cue.relative is not None:
                found[scene.emotion].append(cue.relative)
    return found


def test_the_same_seed_makes_the_same_world(scenes: list[Scene]) -> None:
    again = list(world.scenes(2, 3, PEOPLE))
    assert [s.evidence for s in again] == [s.evidence for s in scenes[:2]]
    assert np.array_equal(again[0].sound, scenes[0].sound)
    (other,) = world.scenes(1, 4, PEOPLE)
    assert other.evidence.cues != scenes[0].evidence.cues


def test_people_of_disjoint_numbers_are_disjoint(scenes: list[Scene]) -> None:
    others = {s.person for s in world.scenes(5, 3, range(100, 103))}
    assert not others & {s.person for s in scenes}
    assert len({s.person for s in scenes}) > 5


def test_every_family_and_emotion_occurs(scenes: list[Scene]) -> None:
    assert [s.family for s in scenes[:5]] == list(FAMILIES)
    assert {s.emotion for s in scenes} >= set(world.FELT)
    assert {s.emotion for s in scenes} <= {*BASIC, *COMPOUND}


def test_the_senses_find_the_units_that_were_moved(scenes: list[Scene]) -> None:
    """Measured by the real sense from noisy courses: nearly all, and little else but speech."""
    hit = moved = found = 0
    for scene in scenes:
        seen = {int(c.code[2:]) for c in scene.evidence.cues if c.sense == "face"} - {25, 26, 45}
        true = set(scene.units) - {25, 26}
        hit, moved, found = hit + len(seen & true), moved + len(true), found + len(seen)
    assert hit / moved > 0.9
    assert hit / found > 0.8


def test_a_face_at_rest_shows_nothing_in_the_voices_family(scenes: list[Scene]) -> None:
    """The quiet share of the tables moves now and then, speech and blinks apart."""
    units = [n for s in scenes if s.family == "voice" for n in s.units if n not in (25, 26, 45)]
    assert len(units) < 1.5 * sum(s.family == "voice" for s in scenes)


def test_what_is_said_of_the_voice_is_in_the_picture_alone(scenes: list[Scene]) -> None:
    """The prompt's voice rows are the same for all emotions; only the picture differs."""
    rows = set()
    for scene in scenes:
        lines = cue_table(scene.shown, ["P1"], (0.0, world.SECONDS)).splitlines()
        told = [line.split(" | ", 3) for line in lines if line.startswith("V")]
        rows.add(tuple((line[0], line[3]) for line in told))
        assert [c.id for c in scene.shown.cues] == [c.id for c in scene.evidence.cues]
    assert len({tuple(rest for _, rest in row if "speaks for" not in rest) for row in rows}) == 1


def test_the_voice_carries_what_was_set(scenes: list[Scene]) -> None:
    heard = [s for s in scenes if s.family != "face"]
    pitch, energy, pace = (levels(heard, code) for code in ("pitch", "energy", "rate"))
    assert np.mean(pitch["fear"]) > np.mean(pitch["disgust"]) + 1.5
    assert np.mean(energy["anger"]) > np.mean(energy["sadness"]) + 1
    assert np.mean(pace["sadness"]) < np.mean(pace["anger"])


def test_a_speaker_without_levels_is_as_usual() -> None:
    who = world.somebody(1)
    departures = []
    for seed in range(4):
        sound = speak(who.speaker, {}, 2.8, np.random.default_rng(seed))
        cues = world._heard(world._listen(sound, who.usual))
        departures += [abs(cue.relative) for cue in cues if cue.relative is not None]
    assert np.mean(departures) < 0.9


def test_the_pictures_are_the_products_own(scenes: list[Scene]) -> None:
    import io

    strip, voice = (Pictures.open(io.BytesIO(p.png)) for p in world.pictures(scenes[0]))
    assert not is_voice_picture(strip)
    heard = decode_voice(voice)
    assert heard.mel.shape[1] == round(world.SECONDS * 100)
    assert [p.name[:5] for p in world.pictures(scenes[0], ("voice",))] == ["voice"]


def test_rows_of_the_world_pass_the_rewards(scenes: list[Scene]) -> None:
    """Every completion is right, grounded in the whole evidence and aligned with it."""
    rows = [world.row(scene, ("voice",)) for scene in scenes]
    told = [row for row in rows if row.completion is not None]
    texts = [str(row.completion) for row in told]
    columns: dict[str, list[Any]] = {
        name: [row.grpo()[name] for row in told] for name in ("emotion", "units", "evidence")
    }
    for name in ("form", "emotion", "grounding"):
        assert REWARDS[name](texts, **columns) == [1.0] * len(texts), name
    aligned = [value or 0.0 for value in REWARDS["alignment"](texts, **columns)]
    assert np.mean(aligned) > 0.7
    by_family = defaultdict(list)
    for scene, row in zip(scenes, rows, strict=True):
        by_family[scene.family].append(row.completion is not None)
    assert all(np.mean(found) > 0.4 for found in by_family.values()), by_family


def test_the_prompt_does_not_name_the_truth(scenes: list[Scene]) -> None:
    """Apart from the list of labels, and from words that may lie."""
    for scene in scenes[:10]:
        row = world.row(scene, ())
        body = row.prompt.split("# Your task")[0].split("# Words")[0]
        assert scene.emotion not in body
        if row.completion:
            assert completion.read(row.completion).answer == scene.emotion
