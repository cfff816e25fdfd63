"""The graph against a real vLLM, with a tiny random Qwen3-VL: every part but sense.

sh tests/vllm_setup.sh ~/vllm-env
DUCHENNE_VLLM=~/vllm-env python -m pytest -m vllm
"""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import by_hand
import numpy as np
import pytest
import vllm_host
from PIL import Image as Pictures

import prompts
from agent.graph.conversation import Conversation
from agent.grounding import bears
from agent.models.clients import (
    Completion,
    HostRefusedError,
    Message,
    ModelError,
    NoSuchModelError,
    WrongKeyError,
)
from agent.models.clients.openai import OpenAIHost
from agent.models.connect import Language, View
from agent.models.context import Step
from agent.perception import look as perceive
from agent.render.showing import Showing
from agent.render.voice_picture import decode_voice, encode_voice, log_mel
from agent.schema.answer import Answer, Reading
from agent.schema.picture import Picture
from agent.schema.state import Json

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(540)]

KEY = "the-key-of-this-test"
MOST_PICTURES = 12


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Qwen3-VL."""
    return vllm_host.made("tiny_qwen3vl.py", tmp_path_factory.mktemp("tiny-qwen3vl"))


@pytest.fixture(scope="module")
def url(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a vLLM that serves it as "tiny"."""
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    with vllm_host.stock(checkpoint, "tiny", KEY, MOST_PICTURES, log) as url:
        yield url


class Recording(OpenAIHost):
    """The real host, with what went through it."""

    def __init__(self, url: str, key: str = KEY, model: str = "tiny") -> None:
        super().__init__(model, url, key)
        self.sent: list[tuple[list[Message], Json]] = []
        self.got: list[Completion] = []

    def complete(self, messages: list[Message], schema: Json) -> Completion:
        self.sent.append((messages, schema))
        self.got.append(super().complete(messages, schema))
        return self.got[-1]


def voice() -> bytes:
    """The voice picture of two seconds of a rising tone."""
    t = np.arange(32_000, dtype=np.float32) / 16_000
    tone = (0.3 * np.sin(2 * np.pi * (200 + 100 * t) * t)).astype(np.float32)
    file = io.BytesIO()
    encode_voice(log_mel(tone)).save(file, "PNG")
    return file.getvalue()


SIZES = {"frame": (512, 288), "strip": (1024, 512), "face": (768, 256), "voice": (512, 128)}
"""Width and height: multiples of 32 that Qwen3-VL keeps as they are."""


def pictures(person: str | None, _span: tuple[float, float]) -> list[Picture]:
    """What a model is shown: a frame, the strip, the face, the voice."""
    return [
        Picture("frame at 2.50 s", by_hand.png(*SIZES["frame"], 90)),
        Picture(f"action units of {person} over time", by_hand.png(*SIZES["strip"], 200)),
        Picture(f"face of {person} at its apexes", by_hand.png(*SIZES["face"], 150)),
        Picture(f"voice of {person}", voice()),
    ]


def view(profile: str = "general") -> View:
    return View(
        question="What does she feel?",
        evidence=by_hand.smiling(),
        person="P1",
        span=(0.0, 10.0),
        profile=prompts.profile(profile),
        pictures=pictures,
    )


def test_the_whole_graph_answers_or_reports_and_never_guesses(url: str) -> None:
    host, steps = Recording(url), list[Step]()
    evidence = by_hand.smiling()
    answer: Answer | None = None
    with Conversation(evidence, model=Language(host), pictures=pictures) as talk:
        try:
            answer = talk.ask("What does she feel, and why?", on_step=steps.append)
        except ModelError as error:
            assert "openai:tiny gave no usable reply" in str(error)
    assert host.lacks == ()
    assert all(len(sent[1].pictures) == 4 for sent, _ in host.sent)
    assert steps[0].name == "plan"
    if answer is None:
        return
    assert [step.name for step in steps][-1] == "answer"
    # Nothing that random weights say is carried by a cue, and the answer must say so.
    assert answer.grounded == 0.0
    assert answer.emotions == ()
    assert answer.confidence == 0.0
    assert answer.answer.startswith("Cannot tell")
    assert all(evidence.cue(id) for claim in answer.claims for id in claim.cites)


def test_a_real_clip_goes_the_whole_way(
    url: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared / "models"))
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path))
    clip = shared / "media" / "video" / "composite_smile_face_happy_voice_de.mp4"
    found = perceive.look(perceive.Request(clip))
    host = Recording(url)
    with Conversation(found.evidence, model=Language(host), pictures=Showing(clip, found)) as talk:
        try:
            answer = talk.ask("What does she feel, and why?")
            # Random weights may hit on a feeling that the cues carry; they may say no other.
            cited = {id for claim in answer.claims if claim.grounded for id in claim.cites}
            cues = [cue for cue in found.evidence.cues if cue.id in cited]
            for felt in answer.emotions[:1]:
                assert any(bears(cue, felt.label) for cue in cues), answer
            assert answer.emotions or "Cannot tell" in answer.answer
        except ModelError as error:
            assert "no usable reply" in str(error)
    shown = host.sent[0][0][-1].pictures
    names = [picture.name for picture in shown]
    for kind in ("frame at", "face strip", "action units", "voice picture"):
        assert any(name.startswith(kind) for name in names), names
    heard = decode_voice(Pictures.open(io.BytesIO(shown[-1].png)))
    assert heard.mel.shape[1] > 150
    assert host.lacks == ()
    # 32 x 32 pixels become one token: a picture that was dropped would cost none.
    assert host.got[0].prompt_tokens > sum(
        np.prod(Pictures.open(io.BytesIO(picture.png)).size) // 32**2 * 0.8 for picture in shown
    )


def test_every_picture_arrives_in_full(url: str) -> None:
    host = Recording(url)
    shown = tuple(pictures("P1", (0.0, 10.0)))
    schema: Json = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    counts = []
    for some in ((), shown[:1], shown):
        host.complete([Message("user", "Look.", tuple(some))], schema)
        counts.append(host.got[-1].prompt_tokens)
    tokens = [width * height // 32**2 + 2 for width, height in SIZES.values()]
    assert counts[1] - counts[0] == tokens[0]
    assert counts[2] - counts[0] == sum(tokens)


def test_random_weights_still_speak_in_the_labels_of_the_profile(url: str) -> None:
    profile = prompts.profile("learning")
    model = Language(Recording(url))
    assert model.behaviour(view("learning")).behavior in profile.behavior
    draft = Reading(person="P1", span=(0.0, 10.0))
    assert model.cognition(view("learning"), draft).cognition in profile.cognition


def test_random_weights_cite_only_cues_that_exist(url: str) -> None:
    host = Recording(url)
    ids = {cue.id for cue in by_hand.smiling().cues}
    for step in ("academic", "general", "counselling"):
        try:
            Language(host).emotion(view(step), Reading(person="P1", span=(0.0, 10.0)))
        except ModelError as error:
            assert "no usable reply" in str(error)
    whole = [completion.text for completion in host.got if not completion.cut]
    replies = [json.loads(text, strict=False) for text in whole]
    assert replies
    cited = {id for reply in replies for claim in reply["claims"] for id in claim["cites"]}
    assert cited <= ids


def test_failures_of_a_real_host_have_their_names(url: str) -> None:
    with pytest.raises(WrongKeyError, match="does not accept the key"):
        Language(Recording(url, key="wrong")).behaviour(view())
    with pytest.raises(NoSuchModelError, match="has no model 'big'; it has tiny"):
        Language(Recording(url, model="big")).behaviour(view())
    host = Recording(url)
    many = tuple(pictures("P1", (0.0, 10.0)) * 4)
    with pytest.raises(HostRefusedError, match="--limit-mm-per-prompt"):
        host.complete([Message("user", "Look.", many)], {"type": "object"})
    with pytest.raises(HostRefusedError, match="--max-model-len"):
        host.complete([Message("user", "wug flimmer " * 9000)], {"type": "object"})
    assert host.lacks == ()


LOCAL = """
import json, sys
from agent.schema.answer import Reading
from agent.models.clients.hf import HuggingFaceHost
from agent.models.connect import Language, ModelError
sys.path.insert(0, sys.argv[2])
from agent.models.clients import Message
from agent.schema.picture import Picture
import by_hand
host = HuggingFaceHost(sys.argv[1], max_tokens=24)
shown = (Picture("frame", by_hand.png(512, 288)), Picture("strip", by_hand.png(1024, 512)))
schema = {"type": "object"}
with_, without = (host.complete([Message("user", "Look.", p)], schema) for p in (shown, ()))
again = host.complete([Message("user", "Look.", shown)], schema)
try:
    HuggingFaceHost(sys.argv[1] + "-nowhere")
    error = ""
except ModelError as failure:
    error = str(failure)
print(json.dumps({
    "tokens": with_.prompt_tokens - without.prompt_tokens, "text": with_.text, "cut": with_.cut,
    "again": again.text, "error": error,
}))
"""


def test_the_same_checkpoint_runs_without_a_server(checkpoint: Path) -> None:
    done = subprocess.run(
        [vllm_host.python(), "-c", LOCAL, checkpoint, vllm_host.TESTS],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(
                [str(vllm_host.TESTS.parent), os.environ.get("PYTHONPATH", "")]
            ),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["tokens"] == 512 * 288 // 32**2 + 1024 * 512 // 32**2 + 4
    assert told["text"]
    assert told["again"] == told["text"]
    assert "no folder or model of this name" in told["error"]
