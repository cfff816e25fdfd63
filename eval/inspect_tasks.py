"""Prepared samples as a task of inspect_ai, and Duchenne as one of its models.

    pip install '.[bench]'    # in a clone
    duchenne data prepare ravdess --root ~/data/RAVDESS --out ravdess.jsonl
    inspect eval eval/emotion -T samples=ravdess.jsonl --model duchenne/rules
    inspect eval eval/emotion -T samples=ravdess.jsonl --model google/gemini-2.0-flash
    inspect eval eval/grounding -T pairs=runs/grounding/pairs.jsonl --model duchenne/rules

The clip itself goes to the model, so any of their models that takes video or sound can be held
against the rules on the same clips. An answer that names no label, or several, is unscored, not
wrong. In a checkout, name the file: `inspect eval eval/inspect_tasks.py@emotion …`.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from pathlib import Path
from typing import Any, Final

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset
from inspect_ai.dataset import Sample as Given
from inspect_ai.model import (
    ChatMessage,
    ChatMessageUser,
    Content,
    ContentAudio,
    ContentImage,
    ContentText,
    ContentVideo,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    modelapi,
)
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import TaskState, generate
from inspect_ai.tool import ToolChoice, ToolInfo

from eval import hallucination, labels, predict, samples, tasks
from eval.scoring import Unscored

SOUND: Final = {".wav": "wav", ".mp3": "mp3"}
AMONG: Final = " Answer with one of: "
FILM: Final = {".mp4": "mp4", ".mov": "mov", ".mpeg": "mpeg"}


@task
def emotion(samples: str, root: str | None = None, split: str | None = None) -> Task:
    """Which label fits the person: prepared samples, one label each."""
    found = _samples(samples, root, split)
    golds = {s.id: labels.gold(s.labels) for s in found}
    among = tuple(sorted(set(golds.values())))
    return Task(
        dataset=MemoryDataset(
            [
                Given(
                    id=s.id,
                    input=[ChatMessageUser(content=[ContentText(text=_asked(among)), _clip(s)])],
                    target=golds[s.id],
                    metadata={"person": s.person, **s.groups},
                )
                for s in found
            ],
            name=Path(samples).stem,
        ),
        solver=generate(),
        scorer=named(among),
    )


def _samples(file: str, root: str | None, split: str | None) -> list[samples.Sample]:
    found = samples.read(Path(file), Path(root) if root else None)
    return [
        s for s in found if s.path and "label" in s.labels and (split is None or s.split == split)
    ]


def _short(question: str) -> str:
    """What the rules are asked: a question of one's own as it is, else for the feeling."""
    own, among, _ = question.partition(AMONG)
    return own if among else tasks.question("label", ())


def _asked(among: tuple[str, ...]) -> str:
    return tasks.question("label", among) + " End with the label alone on a line."


def _clip(sample: samples.Sample) -> Content:
    """The clip under a name that tells nothing."""
    assert sample.clip is not None
    return _content(sample.clip)


def _content(clip: Path) -> Content:
    path = str(predict.neutral(clip.absolute()))
    suffix = clip.suffix.lower()
    if suffix in SOUND:
        return ContentAudio(audio=path, format=SOUND[suffix])
    if suffix in FILM:
        return ContentVideo(video=path, format=FILM[suffix])
    return ContentImage(image=path)


@metric
def uar() -> Metric:
    """Recall averaged over the gold's labels; unscored answers are left out."""

    def measured(scores: list[SampleScore]) -> float:
        by_gold: dict[str, list[float]] = {}
        for one in scores:
            gold = (one.score.metadata or {}).get("gold")
            if gold is not None and one.score.as_float() == one.score.as_float():
                by_gold.setdefault(gold, []).append(one.score.as_float())
        recalls = [sum(hits) / len(hits) for hits in by_gold.values()]
        return sum(recalls) / len(recalls) if recalls else float("nan")

    return measured


@metric
def war() -> Metric:
    """Share of right answers among those that name one label."""

    def measured(scores: list[SampleScore]) -> float:
        known = [v for s in scores if (v := s.score.as_float()) == v]
        return sum(known) / len(known) if known else float("nan")

    return measured


@scorer(metrics=[war(), uar()])
def named(among: tuple[str, ...]) -> Scorer:
    """1 where the answer names the gold, 0 where it names another label."""

    async def score(state: TaskState, target: Target) -> Score:
        gold = target.text
        last = state.output.completion.strip().rsplit("\n", 1)[-1]
        for text in (last, state.output.completion):
            try:
                found = labels.pick(labels.pred(text), among)
            except Unscored as reason:
                why = str(reason)
            else:
                return Score(value=float(found == gold), answer=found, metadata={"gold": gold})
        return Score(value=float("nan"), answer=None, explanation=why, metadata={"gold": gold})

    return score


@task
def grounding(pairs: str, root: str | None = None) -> Task:
    """True and hallucinated questions about clips, in pairs; see `eval.hallucination`."""
    found = hallucination.read(Path(pairs), Path(root) if root else None)
    return Task(
        dataset=MemoryDataset([_question(q) for q in found], name=Path(pairs).stem),
        solver=generate(),
        scorer=told_apart(),
    )


def _question(question: hallucination.Question) -> Given:
    text = ContentText(text=f"{question.text}{AMONG}{', '.join(question.choices)}.")
    shown = [] if question.clip is None else [_content(question.clip)]
    return Given(
        id=question.id,
        input=[ChatMessageUser(content=[text, *shown])],
        target=question.gold,
        metadata={
            "pair": question.pair, "choices": list(question.choices), "kind": question.kind,
            "task": question.task,
        },
    )  # fmt: skip


@metric
def pairs_right() -> Metric:
    """Share of the pairs of which every question is answered right."""

    def measured(scores: list[SampleScore]) -> float:
        found: dict[str, bool] = {}
        for one in scores:
            pair = str((one.score.metadata or {}).get("pair"))
            found[pair] = found.get(pair, True) and one.score.as_float() == 1.0
        return sum(found.values()) / len(found) if found else float("nan")

    return measured


@scorer(metrics=[war(), pairs_right()])
def told_apart() -> Scorer:
    """1 where the answer names the gold; an answer that names no choice is wrong."""

    async def score(state: TaskState, target: Target) -> Score:
        said = hallucination.said(state.output.completion, tuple(state.metadata["choices"]))
        return Score(value=float(said == target.text), answer=said, metadata=dict(state.metadata))

    return score


@modelapi(name="duchenne")
class Duchenne(ModelAPI):
    """The product as a model: `--model duchenne/rules`, or another of its models by name."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  (as inspect_ai declares it)
        **settings: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        self._settings = settings

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """The answer and, alone on the last line, its likeliest label."""
        del tools, tool_choice, config
        import anyio.to_thread

        text = await anyio.to_thread.run_sync(self._answered, input)
        return ModelOutput.from_content(self.model_name, str(text))

    def _answered(self, messages: list[ChatMessage]) -> str:
        from agent import ask

        question, clip = _read(messages)
        question = question if self.model_name != "rules" else _short(question)
        answer = ask(
            clip, question, model=self.model_name, base_url=self.base_url, **self._settings
        )
        label = answer.emotions[0].label if answer.emotions else "cannot tell"
        return "\n".join((str(answer.answer), str(label)))

    def connection_key(self) -> str:
        """One clip at a time for each model."""
        return str(self.model_name)

    def max_connections(self) -> int:
        """Sensing uses the processor whole."""
        return 1


def _read(messages: list[ChatMessage]) -> tuple[str, Path]:
    """The question and the clip of the last message of the user."""
    said = [m for m in messages if isinstance(m, ChatMessageUser)][-1]
    parts = said.content if isinstance(said.content, list) else [ContentText(text=said.content)]
    question = " ".join(part.text for part in parts if isinstance(part, ContentText))
    for part in parts:
        if isinstance(part, ContentVideo):
            return question, _file(part.video)
        if isinstance(part, ContentAudio):
            return question, _file(part.audio)
        if isinstance(part, ContentImage):
            return question, _file(part.image)
    raise ValueError("Duchenne needs a clip: the message holds neither video, sound nor picture")


def _file(source: str) -> Path:
    """A clip that came as a path or, where inspect_ai packed it, as a data address."""
    if not source.startswith("data:"):
        return Path(source)
    head, _, packed = source.partition(",")
    content = base64.b64decode(packed)
    suffix = "." + head.removeprefix("data:").split(";")[0].split("/")[-1]
    folder = Path(tempfile.gettempdir()) / "duchenne-inspect"
    folder.mkdir(exist_ok=True)
    file = folder / f"{hashlib.sha256(content).hexdigest()[:24]}{suffix}"
    file.write_bytes(content)
    return file
