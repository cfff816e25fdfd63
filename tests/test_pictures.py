from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

from agent.facs.units import grade
from agent.render import (
    VoicePictureError,
    decode_voice,
    encode_voice,
    face_strip,
    is_voice_picture,
    log_mel,
    moments,
    strip,
    voice_pictures,
)
from agent.render.canvas import BLUE, CREAM, ORANGE, VERMILION, fit, legible, sampled, ticks, wide
from agent.render.voice_picture import LONGEST, MARKER, RATE, filters
from agent.schema.evidence import Cue, Evidence, Media, Missing, Person, Sense, number
from agent.schema.samples import Columns, Sound

# --- the voice picture ----------------------------------------------------------------------


def hum(seconds: float, seed: int = 0) -> np.ndarray:
    """A hum with a little noise, 16 kHz."""
    at = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.01, len(at))
    return (0.2 * np.sin(2 * np.pi * 220 * at) * np.sin(2 * np.pi * 3 * at) + noise).astype("f4")


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 1200), st.integers(0, 99), st.floats(0, 3600))
def test_any_mel_comes_back_within_rounding(columns: int, seed: int, start: float) -> None:
    mel = np.random.default_rng(seed).uniform(-1.5, 0.5, (128, columns)).astype(np.float32)
    picture = encode_voice(mel, start)
    assert picture.height == 128
    assert picture.width >= 512 and picture.width % 32 == 0 and picture.width - columns < 544
    back = decode_voice(picture)
    assert back.mel.shape == mel.shape
    assert np.abs(back.mel - mel).max() <= 0.5 * 8 / 255 / 4 + 1e-5
    assert back.start == pytest.approx(start, abs=0.001)
    assert np.array_equal(np.asarray(encode_voice(back.mel, back.start)), np.asarray(picture))


def test_png_and_bare_pixels_keep_it() -> None:
    mel = log_mel(hum(2))
    file = io.BytesIO()
    encode_voice(mel).save(file, "PNG")
    opened = Pictures.open(file)
    assert is_voice_picture(opened)
    assert np.array_equal(decode_voice(opened).mel, decode_voice(np.asarray(opened)).mel)


def altered() -> Iterator[tuple[str, Pictures.Image, str]]:
    picture = encode_voice(log_mel(hum(7)))
    for quality in (60, 95, 100):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        yield f"jpeg {quality}", Pictures.open(file).convert("RGB"), "JPEG|changed|damaged"
    for share in (0.5, 0.9, 2.0):
        size = (round(picture.width * share), round(picture.height * share))
        yield f"resized {share}", picture.resize(size), "resized"
    yield "narrowed", picture.resize((picture.width - 32, 128)), "damaged|cut|changed"
    yield "cut", picture.crop((0, 0, picture.width - 32, 128)), "cut or padded"
    pixels = np.asarray(picture).copy()
    pixels[70, MARKER + 9] += 1
    yield "one pixel", Pictures.fromarray(pixels), "pixels were changed"
    tinted = np.asarray(picture).copy()
    tinted[..., 2] = tinted[..., 2] // 2
    yield "tinted", Pictures.fromarray(tinted), "marker|colours"
    yield "flipped", picture.transpose(Pictures.Transpose.FLIP_LEFT_RIGHT), "no marker"
    yield "a photo", Pictures.effect_noise((640, 360), 50).convert("RGB"), "not a voice picture"


@pytest.mark.parametrize(("name", "picture", "reason"), list(altered()), ids=lambda v: str(v)[:20])
def test_an_altered_picture_is_refused_with_the_reason(
    name: str, picture: Pictures.Image, reason: str
) -> None:
    with pytest.raises(VoicePictureError, match=reason):
        decode_voice(picture)
    if name.startswith(("jpeg", "resized")):
        assert is_voice_picture(picture), "still known as a voice picture, to say what happened"


def test_a_tone_lies_in_its_band_and_highest_bands_are_on_top() -> None:
    at = np.arange(RATE) / RATE
    mel = log_mel(np.sin(2 * np.pi * 1000 * at).astype(np.float32))
    centre = int(mel[:, 50].argmax())
    edges = np.linspace(0, RATE / 2, filters().shape[1])
    assert edges[filters()[centre].argmax()] == pytest.approx(1000, abs=45)
    pixels = np.asarray(encode_voice(mel))[:, MARKER + 50, 0]
    assert int(pixels.argmax()) == 127 - centre


def test_mel_values_are_those_of_whispers_extractor() -> None:
    """Computed once with transformers 5.23 WhisperFeatureExtractor(feature_size=128)."""
    at = np.arange(RATE) / RATE
    sound = (0.1 * np.sin(2 * np.pi * 440 * at) + 0.05 * np.sin(2 * np.pi * 3000 * at)).astype("f4")
    mel = log_mel(sound)
    assert mel.shape == (128, 100)
    for (row, column), value in WHISPER.items():
        assert mel[row, column] == pytest.approx(value, abs=1e-4)


WHISPER = {
    (0, 0): 0.57145, (10, 50): -0.86413, (17, 50): 0.98801, (18, 3): 1.13587, (30, 0): 0.52612,
    (86, 20): 0.57957, (87, 98): 0.8741, (100, 99): -0.50403, (127, 50): -0.86413,
}  # fmt: skip
"""Band and column → value."""


def test_long_sound_becomes_pieces_that_follow_on_one_another() -> None:
    sound = hum(64)
    blocks = (Sound(5 + i / RATE, sound[i : i + 4000]) for i in range(0, len(sound), 4000))
    pieces = [decode_voice(picture) for picture in voice_pictures(blocks)]
    assert [piece.mel.shape[1] for piece in pieces] == [LONGEST, LONGEST, 400]
    assert [piece.start for piece in pieces] == [5.0, 35.0, 65.0]
    with pytest.raises(ValueError, match="30 s"):
        log_mel(sound)


def test_silence_and_a_single_sample_can_be_drawn() -> None:
    assert decode_voice(encode_voice(log_mel(np.zeros(RATE, np.float32)))).mel.shape == (128, 100)
    assert decode_voice(encode_voice(log_mel(np.ones(1, np.float32)))).mel.shape == (128, 1)
    with pytest.raises(ValueError, match="128"):
        encode_voice(np.zeros((80, 100), np.float32))


# --- the strip ------------------------------------------------------------------------------


def media(seconds: float, kind: str = "video") -> Media:
    return Media(
        file="clip.mp4", kind=kind, duration=seconds, fps=30 if seconds else 0, width=640,
        height=360, has_video=kind != "audio", has_audio=True, sha256="0",
    )  # fmt: skip


def cue(sense: Sense, code: str, start: float, end: float, **more: object) -> Cue:
    fields: dict[str, object] = {
        "person": "P1", "apex": (start + end) / 2, "text": code, "confidence": 0.8,
    }  # fmt: skip
    return Cue.model_validate(
        {"sense": sense, "code": code, "start": start, "end": end} | fields | more
    )


def au(code: str, start: float, end: float, intensity: float, brief: bool = False) -> Cue:
    return cue("face", code, start, end, intensity=intensity, grade=grade(intensity), brief=brief)


def series(seconds: float, *cues: Cue, gap: tuple[float, float] = (-1, -1)) -> Columns:
    time = np.arange(0, seconds, 1 / 30)
    table: Columns = {"time": time}
    for event in cues:
        rise = np.minimum(time - event.start, event.end - time)
        bump = np.clip(rise / max(event.apex - event.start, 1e-6), 0, 1) * (event.intensity or 0)
        table[event.code] = np.maximum(table.get(event.code, np.zeros(len(time))), bump)
    for code in table:
        if code != "time":
            table[code] = np.where((time > gap[0]) & (time < gap[1]), np.nan, table[code])
    return table


def record(seconds: float, *cues: Cue, kind: str = "video", **more: object) -> Evidence:
    people = (Person(id="P1", main=True, start=0, end=seconds, share=1),)
    fields: dict[str, object] = {"people": people} | more
    return Evidence(media=media(seconds, kind), cues=number(cues), **fields)  # type: ignore[arg-type]


def amount(
    picture: Pictures.Image, colour: str, box: tuple[int, int, int, int] | None = None
) -> int:
    """Pixels of one of the palette's colours."""
    part = np.asarray(picture.crop(box) if box else picture).astype(int)
    want = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(part - want).max(axis=2) < 6).sum())


def at(seconds: float, span: float, width: int = 1400) -> int:
    """Column of the picture where a moment lies."""
    return round(232 + (width - 26 - 232) * seconds / span)


def test_an_event_is_drawn_where_it_happened_and_a_brief_one_stands_out() -> None:
    events = (au("AU12", 4, 6, 4), au("AU04", 1, 1.4, 3, brief=True))
    picture = strip(record(10, *events), {"P1": series(10, *events)})
    blue = [amount(picture, BLUE, (at(a, 10), 110, at(b, 10), 240)) for a, b in ((4, 6), (7, 9))]
    assert blue[0] > 2000 and blue[1] < 300
    red = [
        amount(picture, VERMILION, (at(a, 10), 66, at(b, 10), 240)) for a, b in ((0.9, 1.5), (4, 6))
    ]
    assert red[0] > 300 and red[1] == 0


def test_a_silent_sound_track_is_said_and_not_drawn_as_loud() -> None:
    why = Missing(what="speech", why="the sound track is silent (at most -90 dB of full scale)")
    silent = record(10, missing=(why,))
    time = np.arange(0, 10, 0.01)
    quiet = {"time": time, "energy_db": np.full(len(time), -90.0), "f0_hz": np.full(1000, np.nan)}
    drawn = amount(strip(silent, {"P1": series(10)}, quiet), ORANGE)
    loud = quiet | {"energy_db": -20.0 + 5 * np.sin(time)}
    assert drawn < 100 < amount(strip(silent, {"P1": series(10)}, loud), ORANGE)


def test_a_blink_of_one_frame_in_half_an_hour_is_still_drawn() -> None:
    time = np.arange(0, 1800, 1 / 30)
    column = np.zeros(len(time))
    column[30000] = 5
    found = sampled(time, column, np.linspace(0, 1800, 2300))
    assert found.max() == 5 and (found > 1).sum() == 1


def test_absence_is_a_gap_and_a_dropped_frame_is_not() -> None:
    time = np.arange(0, 10, 1 / 30)
    values = np.ones(len(time))
    values[60] = np.nan
    values[150:210] = np.nan
    moments_ = np.linspace(0, 10, 1000)
    found = sampled(time, values, moments_)
    assert np.isfinite(found[(moments_ > 1) & (moments_ < 4.9)]).all()
    assert np.isnan(found[(moments_ > 5.1) & (moments_ < 6.9)]).all()


def voiced(seconds: float) -> Columns:
    time = np.arange(0, seconds, 0.01)
    energy = -30 + 10 * np.sin(2 * np.pi * 4 * time)
    return {"time": time, "energy_db": energy, "f0_hz": np.where(time % 1 < 0.7, 200.0, np.nan)}


def test_voice_and_words_have_their_rows() -> None:
    cues = (
        cue("voice", "speech", 1, 4, value=3, unit="s"),
        cue("voice", "pitch", 1, 2, value=220, unit="Hz", relative=1.8),
        cue("words", "phrase", 1, 4, text="He said: naïve, für Élise — “yes”"),
    )
    full = strip(record(5, *cues), None, voiced(5))
    bare = strip(record(5, *cues[:2]), None, None)
    assert amount(full, ORANGE) > 5000 and amount(full, CREAM) > 2000
    assert amount(bare, CREAM) == 0 and amount(bare, ORANGE) < 1500


@pytest.mark.parametrize(
    "evidence",
    [
        record(5, people=(), missing=(Missing(what="face", why="no face was found"),)),
        record(0, au("AU12", 0, 0, 4.2), kind="image"),
        record(0, people=(), kind="image"),
        record(8, kind="audio", people=()),
        record(0.04, au("AU12", 0, 0.04, 3)),
        record(4, au("AU12", 0, 4, 5), cue("words", "phrase", 3.9, 4, text="话" * 300)),
    ],
    ids=["nobody", "still", "empty still", "audio", "one frame", "long words"],
)
def test_every_kind_of_evidence_can_be_drawn(evidence: Evidence) -> None:
    picture = strip(evidence)
    assert picture.mode == "RGB" and picture.width == 1400 and 80 < picture.height < 1600


def test_half_an_hour_with_many_events_keeps_its_size() -> None:
    rng = np.random.default_rng(0)
    events = [
        au(f"AU{code:02d}", float(t), float(t) + 1, 3) for code, t in
        zip(rng.choice([1, 2, 4, 6, 12, 15], 300), rng.uniform(0, 1790, 300), strict=True)
    ]  # fmt: skip
    words = [cue("words", "phrase", float(t), float(t) + 2) for t in range(0, 1790, 4)]
    picture = strip(record(1800, *events, *words), {"P1": series(1800, *events[:20])}, voiced(1800))
    assert picture.width == 1400 and picture.height < 1200


def test_one_of_several_people_and_a_span_can_be_asked_for() -> None:
    people = tuple(Person(id=f"P{i}", main=i == 1, start=0, end=10, share=1) for i in (1, 2))
    theirs = au("AU12", 4, 6, 4).model_copy(update={"person": "P2"})
    evidence = record(10, theirs, people=people)
    own = series(10, theirs)
    assert amount(strip(evidence, {"P2": own}, person="P2"), BLUE) > 2000
    assert amount(strip(evidence, {"P2": own}), BLUE) < 500
    near = strip(evidence, {"P2": own}, person="P2", span=(4, 6))
    assert amount(near, BLUE) > 3 * amount(strip(evidence, {"P2": own}, person="P2"), BLUE)
    with pytest.raises(ValueError, match="P1, P2"):
        strip(evidence, person="P3")
    with pytest.raises(ValueError, match="empty"):
        strip(evidence, span=(4, 4))


# --- the face strip -------------------------------------------------------------------------


def test_faces_are_cropped_to_one_scale_and_stay_inside_the_picture() -> None:
    frame = np.zeros((360, 640, 3), np.uint8)
    frame[100:200, 300:400] = (200, 30, 30)
    box = (300.0, 100.0, 100.0, 100.0)
    picture = face_strip(
        [(0.5, frame, box, "A1 AU12 C"), (1.25, Pictures.fromarray(frame), box, "")]
    )
    assert picture.size == (2 * 232 + 8, 224 + 62 + 16)
    red = np.asarray(picture)[8:232, 8:232, 0] > 150
    assert 0.4 < red.mean() < 0.6
    edge = face_strip([(0, frame, (600.0, 300.0, 100.0, 100.0), "x")])
    assert edge.size == (240, 302)
    assert face_strip([(float(i), frame, box, "") for i in range(8)]).size == (
        4 * 232 + 8,
        2 * 294 + 8,
    )
    with pytest.raises(ValueError, match="at least one"):
        face_strip([])
    with pytest.raises(ValueError, match="without size"):
        face_strip([(0, frame, (5, 5, 0, 0), "")])


def test_moments_hold_apexes_and_spread_over_the_clip() -> None:
    events = (au("AU12", 4, 6, 4), au("AU04", 1, 1.4, 3), au("AU45", 8, 8.2, 5))
    found = moments(record(10, *events))
    times = [time for time, _ in found]
    assert times == sorted(times) and 5 in times and 1.2 in times and 8.1 not in times
    assert min(times) < 2 and max(times) > 7
    assert "AU12 D apex: lip corner puller" in dict(found)[5]
    assert moments(record(0, au("AU12", 0, 0, 3), kind="image"))[0][0] == 0


# --- the canvas -----------------------------------------------------------------------------


def test_text_fits_and_unknown_scripts_are_owned_up_to() -> None:
    assert wide(fit("a long sentence that has no room at all here", 14, 120), 14) <= 120
    assert fit("short", 14, 120) == "short"
    assert legible("naïve café")[0] in ("naïve café", "naive cafe")
    shown, _ = legible("\U00012000\U00012001\U00012002")
    assert "no font" in shown or shown.startswith("\U00012000")


@pytest.mark.parametrize(("start", "end"), [(0, 0.4), (0, 8), (3.2, 4.9), (0, 1800), (0, 36000)])
def test_the_axis_has_round_moments_inside_the_span(start: float, end: float) -> None:
    marks = ticks(start, end)
    assert 3 <= len(marks) <= 13
    assert marks[0] >= start - 1e-6 and marks[-1] <= end + 1e-6
