"""A small world with known truth, to prove training on: people, faces over time, voices, words.

Knows how emotions show (the tables the rules use) and the real senses, texts and pictures; no
model. A scene is drawn as numbers (action units over time, sound) and then read by the product's
own senses into evidence, so that what a model is shown is what the product would show it.

Families, to be scored apart:
    face      the face shows it, the voice is as usual
    voice     the face is at rest, only the voice tells
    agree     face and voice tell the same
    conflict  a posed smile (AU12 without AU6) over a voice that tells what is felt
    words     face and voice agree, the words name another emotion

The prompt's evidence says that the voice was measured, not what was found: that is in the voice
picture alone. Rewards read the whole evidence, under the same ids.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures

from agent.facs.prototypes import BASIC, COMPOUND, table
from agent.facs.units import AUS, MEASURED
from agent.reading.scores import VOICE, expected
from agent.render import strip
from agent.render.voice_picture import encode_voice, log_mel
from agent.schema.evidence import Cue, Evidence, Media, Person, number
from agent.schema.picture import Picture
from agent.schema.samples import Columns, Sound
from agent.senses.units import series as au_reading
from agent.senses.voice import delivery
from agent.senses.voice.track import Heard, Voice
from finetune import completion
from finetune.formats import Item
from finetune.rationale import rationale
from finetune.rows import Row, build
from finetune.world_voice import Ears, Speaker, speak, speaker

Family = Literal["face", "voice", "agree", "conflict", "words"]
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)

SECONDS: Final = 4.0
FPS: Final = 25.0
PHRASE: Final = (0.6, 3.4)
"""Seconds at which the one phrase of a scene begins and ends."""
FELT: Final[tuple[str, ...]] = tuple(e for e in BASIC if e not in ("neutral", "contempt"))
MASKED: Final = ("sadness", "anger", "fear")
"""What hides behind a posed smile."""
_HEARD: Final = ("speech", "pitch", "pitch_range", "energy", "effort", "rate")
"""Voice cues that every scene with a voice has, whatever is felt; others would tell by being
there."""
_SAID: Final[dict[str, str]] = {
    "neutral": "it is on the table",
    "happiness": "I am so happy about this",
    "sadness": "I feel so sad about it",
    "anger": "this makes me really angry",
    "fear": "I am afraid of what comes",
    "surprise": "I am surprised by that",
    "disgust": "that is disgusting to me",
}
_BLINK: Final = 3.0
"""Seconds between blinks, on average."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the world: a face at rest, a voice, and how strongly they show things."""

    id: str
    rest: tuple[float, ...]
    """Reading of each measured unit at rest, in steps."""
    vivid: float
    speaker: Speaker
    usual: delivery.Baseline
    """Of the voice, measured from speech without emotion."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip of the world, what is true of it, and what the senses made of it."""

    id: str
    family: Family
    person: str
    emotion: str
    units: tuple[int, ...]
    """That were moved, with at least intensity 1; speech and blinks are not among them."""
    evidence: Evidence
    shown: Evidence
    """As the prompt shows it: the voice's values are left to the picture."""
    series: Columns
    sound: npt.NDArray[np.float32]


class Told(Protocol):
    """What a row needs of a scene: also of one that was kept without its sound."""

    @property
    def id(self) -> str: ...
    @property
    def family(self) -> Family: ...
    @property
    def person(self) -> str: ...
    @property
    def emotion(self) -> str: ...
    @property
    def units(self) -> tuple[int, ...]: ...
    @property
    def evidence(self) -> Evidence: ...
    @property
    def shown(self) -> Evidence: ...


def scenes(count: int, seed: int, people: range, compounds: float = 0.1) -> Iterator[Scene]:
    """Scenes in turn from all families; `people` are numbers, disjoint ones share nobody.

    The same arguments give the same scenes. `compounds` is the share of compound emotions
    among scenes of the families "face" and "agree".
    """
    for n in range(count):
        rng = np.random.default_rng([seed, n])
        who = somebody(int(rng.choice(people)))
        yield scene(f"w{seed}-{n:05d}", FAMILIES[n % len(FAMILIES)], who, rng, compounds)


@lru_cache(maxsize=512)
def somebody(number: int) -> Somebody:
    """The person of this number, always the same."""
    rng = np.random.default_rng([7, number])
    voice = speaker(rng)
    talk = [part for _ in range(5) for part in (speak(voice, {}, 1.6, rng), _hush(0.4, rng))]
    usual = _listen(np.concatenate(talk), None).baseline
    assert usual is not None, "eight seconds of speech make a baseline"
    rest = np.where(rng.random(len(MEASURED)) < 0.3, rng.uniform(0, 0.8, len(MEASURED)), 0.0)
    return Somebody(
        f"somebody-{number}", tuple(map(float, rest)), float(rng.uniform(0.8, 1.2)), voice, usual
    )


def scene(
    id: str, family: Family, who: Somebody, rng: np.random.Generator, compounds: float = 0.1
) -> Scene:
    """One scene of a family."""
    mixed = family in ("face", "agree") and rng.random() < compounds
    felt = str(rng.choice(tuple(COMPOUND) if mixed else MASKED if family == "conflict" else FELT))
    if family in ("face", "agree") and not mixed and rng.random() < 1 / (len(FELT) + 1):
        felt = "neutral"
    face = {"voice": "neutral", "conflict": "posed"}.get(family, felt)
    voice = "neutral" if family == "face" or felt in COMPOUND else felt
    moved = _moved(face, who, rng)
    sound = np.concatenate([
        _hush(PHRASE[0], rng),
        speak(who.speaker, _tone(voice, rng), PHRASE[1] - PHRASE[0], rng),
        _hush(SECONDS - PHRASE[1], rng),
    ])  # fmt: skip
    series, cues = _seen(moved, who, rng)
    heard = _listen(sound, who.usual)
    whole = [*cues, *_heard(heard), *_words(family, felt, rng)]
    evidence = Evidence(
        media=Media(
            file=f"{id}.mp4", kind="video", duration=SECONDS, fps=FPS, width=640, height=480,
            has_video=True, has_audio=True, sha256=hashlib.sha256(id.encode()).hexdigest(),
            sampled_fps=FPS,
        ),
        people=(Person(id="P1", main=True, start=0.0, end=SECONDS, share=1.0, size=0.4,
                       speaking=1.0),),
        cues=number(whole),
    )  # fmt: skip
    return Scene(
        id, family, who.id, felt, tuple(sorted(n for n, v in moved.items() if v >= 1.0)),
        evidence, _veiled(evidence), series, sound,
    )  # fmt: skip


def _moved(face: str, who: Somebody, rng: np.random.Generator) -> dict[int, float]:
    """Units that move and how far, 0-5, drawn from the published shares."""
    if face == "posed":
        return {12: float(np.clip(rng.normal(2.0, 0.4), 1, 3))}
    shares = {code: share for code, share in table(face).items() if not code.endswith("_uni")}
    drawn = (int(code[2:]) for code, share in shares.items() if rng.random() < share)
    return {
        n: float(np.clip(rng.normal(2.7, 0.7) * who.vivid, 0.5, 5)) for n in drawn if n in MEASURED
    }


def _tone(emotion: str, rng: np.random.Generator) -> dict[str, float]:
    """Levels of the voice's parts: one of the emotion's forms and a little of one's own."""
    form = int(rng.integers(0, 2))
    return {
        part: float(expected(part, (emotion,), "rest")[form, 0]) * 1.3 + float(rng.normal(0, 0.25))
        for part in VOICE
    }


def _hush(seconds: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    return rng.normal(0, 1e-4, int(seconds * 16_000)).astype(np.float32)


def _seen(
    moved: dict[int, float], who: Somebody, rng: np.random.Generator
) -> tuple[Columns, list[Cue]]:
    """The face over time as an estimator would give it, and the cues that the sense finds."""
    time = np.arange(int(SECONDS * FPS)) / FPS
    columns: Columns = {
        "time": time.astype(np.float32),
        "frame": np.arange(len(time), dtype=np.float32),
        "quality": np.full(len(time), 0.95, np.float32),
    }
    still = {45: _blinks(time, rng), 43: np.zeros(len(time))}
    speech = _speech(time, rng)
    for unit, rest in zip(MEASURED, who.rest, strict=True):
        course = still.get(unit, rest + moved.get(unit, 0.0) * _course(time, rng))
        if unit in (25, 26) and moved.get(unit, 0.0) < 1:
            course = course + speech * (1.4 if unit == 25 else 0.7)
        for end in ("_L", "_R") if AUS[unit].sided else ("",):
            noise = rng.normal(0, 0.08, len(time))
            columns[f"{AUS[unit].code}{end}"] = np.clip(course + noise, 0, 5).astype(np.float32)
    series, cues, _ = au_reading.read(columns, "P1", {})
    return series, cues


def _course(time: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """From rest up, held, and down again, 0-1."""
    start, end = rng.uniform(0.7, 1.2), rng.uniform(2.6, 3.2)
    rise, fall = rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.6)
    up = np.clip((time - start) / rise, 0, 1)
    return np.asarray(np.minimum(up, np.clip((end - time) / fall + 1, 0, 1)))


def _blinks(time: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    closed = np.zeros(len(time))
    at = rng.exponential(_BLINK)
    while at < SECONDS:
        closed = np.maximum(closed, 4 * np.exp(-(((time - at) / 0.07) ** 2)))
        at += 0.4 + rng.exponential(_BLINK)
    return closed


def _speech(time: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """How far a mouth opens with the syllables, 0-1."""
    beat = np.abs(np.sin(np.pi * time * rng.uniform(4, 5)))
    return np.asarray(np.where((time > PHRASE[0]) & (time < PHRASE[1]), beat, 0.0))


def _listen(sound: npt.NDArray[np.float32], usual: delivery.Baseline | None) -> Heard:
    voice = Voice(Ears(), usual)
    voice.push(Sound(time=0.0, samples=sound))
    return voice.finish()


def _heard(heard: Heard) -> list[Cue]:
    """Without the numbers in their text: a model that hears them in a picture cannot read them."""
    return [
        cue.model_copy(update={"person": "P1", "text": cue.text.split(" (")[0]})
        for cue in heard.cues
        if cue.code in _HEARD
    ]


def _words(family: Family, felt: str, rng: np.random.Generator) -> list[Cue]:
    """What is said: nothing, something neutral, the feeling, or (family "words") another one."""
    if family == "words":
        said = _SAID[str(rng.choice([e for e in FELT if e != felt]))]
    elif (draw := rng.random()) < 0.5:
        return []
    else:
        said = _SAID[felt if draw > 0.8 and felt in _SAID else "neutral"]
    start, end = PHRASE
    return [
        Cue(sense="words", person="P1", code="phrase", start=start, apex=(start + end) / 2,
            end=end, text=said, confidence=0.9)
    ]  # fmt: skip


def _veiled(evidence: Evidence) -> Evidence:
    """The same record, with the voice's values left to the voice picture."""
    hidden = {"value": None, "unit": None, "relative": None, "text": "see the voice picture",
              "confidence": 0.5}  # fmt: skip
    cues = tuple(
        cue.model_copy(update=hidden) if cue.sense == "voice" and cue.code != "speech" else cue
        for cue in evidence.cues
    )
    return evidence.model_copy(update={"cues": cues})


def pictures(scene: Scene, kinds: Sequence[str] = ("strip", "voice")) -> list[Picture]:
    """What a model is shown: the AU strip without the voice's curves, and the voice picture."""
    found = []
    if "strip" in kinds:
        drawn = strip(scene.shown, {"P1": scene.series}, None, "P1", width=800)
        found.append(picture("action units, head, voice and words of P1 over time", drawn))
    if "voice" in kinds:
        heard = encode_voice(log_mel(scene.sound))
        found.append(picture("voice picture (log-mel spectrogram, 10 ms a column)", heard))
    return found


def picture(name: str, drawn: Pictures.Image) -> Picture:
    """A drawn picture with a name, lossless."""
    held = io.BytesIO()
    drawn.save(held, "PNG")
    return Picture(name, held.getvalue())


def row(scene: Scene, kinds: Sequence[str] = ("strip", "voice")) -> Row:
    """The training row of a scene: the veiled evidence to read, the whole of it to be judged by."""
    return row_with(scene, pictures(scene, kinds))


def row_with(scene: Told, pictures: Sequence[Picture]) -> Row:
    """The row of a scene that is shown with these pictures."""
    item = Item(
        id=scene.id,
        dataset="world",
        emotion=scene.emotion,
        units=scene.units,
        person=scene.person,
    )
    made = build(item, lambda _: (scene.shown, pictures))
    claims = rationale(_telling(scene), scene.emotion)
    told = completion.write(claims, scene.emotion) if claims else None
    return replace(made, evidence=scene.evidence.to_json(), completion=told)


def _telling(scene: Told) -> Evidence:
    """The evidence that tells: without the face where the face is at rest or posed."""
    if scene.family not in ("voice", "conflict"):
        return scene.evidence
    people = tuple(p.model_copy(update={"size": 0.0, "share": 0.0}) for p in scene.evidence.people)
    cues = tuple(cue for cue in scene.evidence.cues if cue.sense == "voice")
    return scene.evidence.model_copy(update={"people": people, "cues": cues})
