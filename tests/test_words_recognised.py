"""Real speech through the recogniser that comes with the words extra; needs its model file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import spoken
import watched
from test_words import MEDIA

from agent.qa.events import quotes
from agent.schema.evidence import Evidence, number
from agent.senses.speech import whisper
from agent.senses.speech.words import words
from eval.wordless import MADE, made

if not whisper.installed():
    pytest.skip(str(whisper.why_not()), allow_module_level=True)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default model, whatever else is here."""
    monkeypatch.setenv("DUCHENNE_WHISPER", "tiny.en")
    if problem := whisper.why_not():
        pytest.skip(problem)


@pytest.mark.usefixtures("tiny")
def test_speech_is_recognised_and_every_word_has_its_moment(shared: Path) -> None:
    clip = shared / "media" / "audio" / "jfk.wav"
    media = MEDIA.model_copy(update={"duration": 11.0, "kind": "audio", "has_video": False})
    found = words(clip, media)
    assert "ask not what your country" in " ".join(cue.text for cue in found.cues).lower()
    assert found.language == "en" and not found.missing
    for cue in found.cues:
        assert cue.words and " ".join(word.text for word in cue.words) == cue.text
        times = [at for word in cue.words for at in (word.start, word.end)]
        assert times == sorted(times) and cue.start <= times[0] and times[-1] <= cue.end
    record = Evidence(media=media, cues=number(found.cues))
    # In the recording "Americans" ends at 2.2 s, and "country" is said near 6.0 and 10.3 s.
    first, second = quotes(record, word="country")
    assert first.start == pytest.approx(6.0, abs=0.3)
    assert second.start == pytest.approx(10.3, abs=0.3)
    again = words(clip, media)
    assert again == found, "the same sound gives the same words"


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", ["03a01Wa", "03a01Fa", "03a02Ta", "03b10Ec"])
def test_german_does_not_become_invented_english(shared: Path, name: str) -> None:
    found = words(shared / "media" / "audio" / f"emodb_{name}.wav", MEDIA)
    assert not found.cues and found.language is None
    [missing] = found.missing
    assert missing.what == "words" and "English-only model does not understand" in missing.why
    assert "DUCHENNE_WHISPER" in missing.why


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", sorted(MADE))
def test_no_words_are_heard_where_nobody_speaks(name: str, tmp_path: Path) -> None:
    clip = spoken.write(tmp_path / "made.wav", made(name, seed=7))
    assert not words(clip, MEDIA).cues


@pytest.mark.usefixtures("tiny")
def test_recognising_meets_nobody(tmp_path: Path) -> None:
    clip = spoken.write(tmp_path / "voice.wav", spoken.phrase({}))
    code = (
        "import sys; from agent.schema.samples import Sound; import agent.media as m;"
        "from agent.senses.speech import whisper; print(whisper.transcribe(m.sound(sys.argv[1])))"
    )
    more = {
        "DUCHENNE_ASSETS": os.environ["DUCHENNE_ASSETS"], "DUCHENNE_WHISPER": "tiny.en",
        "HF_HUB_OFFLINE": "0",
    }  # fmt: skip
    seen = watched.run(
        watched.python("-P", "-c", code, str(clip)), tmp_path / "w", tmp_path, **more
    )
    assert seen.done.returncode == 0, seen.done.stderr
    assert seen.connects == []
