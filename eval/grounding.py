"""Does a model see what is there, and only that? `duchenne eval grounding --model M`.

    duchenne eval grounding --clips clips/ --model rules
    duchenne eval grounding --clips clips/ --model openai:NAME --base-url U --alone
    duchenne eval grounding --pairs EmotionHallucer.json --root clips/ --model random

Pairs of questions, one true and one hallucinated, are made from clips (`eval.pairs`) or read
(`eval.hallucination` names the formats). A pair counts when both answers are right. Each answer
is kept as soon as it is there; a rerun goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.models.clients import HostUnreachableError, ModelError, NoSuchModelError, WrongKeyError
from agent.models.context import AskError
from agent.schema.errors import USAGE, code_of, exit_status_of
from agent.schema.picture import Picture
from eval import hallucination, leaks, pairs, predict, samples
from eval.hallucination import YES_NO, PairsError, Question
from eval.records import Log

if TYPE_CHECKING:
    from agent.models.connect import Language, Model
    from agent.perception.look import Look
    from agent.render.showing import Showing

FILMS: Final = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".wav", ".mp3", ".jpg", ".jpeg", ".png")
RANDOM: Final = "random"
Answerer = Callable[[Question], str]
"""A question → the answer in the model's words."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one question."""

    id: str
    key: str
    """Digest of question, clip and model: another key, another record."""
    answer: str = ""
    said: str | None = None
    """Which choice the answer names."""
    error: str | None = None
    seconds: float = 0.0


def answerer(
    spec: str, base_url: str | None = None, *, alone: bool = False, seed: int = 0
) -> Answerer:
    """What answers: `random`, or a model as `agent.models.connect` names it.

    The model answers through the agent, with all that was measured; `alone` it is shown the
    clip's frames and the picture of its voice, in one call. Raises AskError, ModelError.
    """
    if spec == RANDOM:
        return lambda question: hallucination.guessed(question, seed)
    from agent.models.connect import Language, connect

    model = connect(spec, base_url)
    if not alone:
        return lambda question: _by_agent(question, model)
    if not isinstance(model, Language):
        raise AskError("--alone shows a model the clip; the rules have no eyes of their own")
    return lambda question: _by_host(question, model)


def put(question: Question) -> str:
    """The question as it is asked: with its choices, where they are not yes and no."""
    if question.choices == YES_NO:
        return question.text
    lettered = "; ".join(f"({chr(65 + n)}) {c}" for n, c in enumerate(question.choices))
    return f"{question.text} Choose one: {lettered}"


def _by_agent(question: Question, model: Model) -> str:
    """A conversation of its own for each question: no answer hangs on another."""
    from agent.graph.conversation import Conversation

    if question.clip is None:
        raise PairsError("a question without a clip cannot be answered by measuring")
    showing, found = _seen(question.clip)
    with Conversation(found.evidence, model=model, pictures=showing) as talk:
        # The rules parse a question; choices after it would be parsed along.
        return talk.ask(put(question) if model.mends else question.text).answer


@lru_cache(maxsize=4)
def _seen(path: Path) -> tuple[Showing, Look]:
    """A clip under a name that tells nothing, and what was measured in it."""
    from agent.perception import look as perceive
    from agent.render.showing import Showing
    from agent.senses.speech.sidecar import find_sidecar

    clip = predict.neutral(path)
    words = find_sidecar(path)  # beside the clip, not beside the link
    found = perceive.look(perceive.Request(clip, subtitles=words))
    return Showing(clip, found), found


def _by_host(question: Question, model: Language) -> str:
    from agent.models.clients import Message

    among = ", ".join(json.dumps(c, ensure_ascii=False) for c in question.choices)
    task = f'{put(question)}\nReply as JSON: {{"answer": one of {among}}}. Nothing else.'
    shown = _pictures(question.clip) if question.clip else ()
    if shown:
        names = "; ".join(f"{n}. {picture.name}" for n, picture in enumerate(shown, 1))
        task = f"The pictures show one clip: {names}.\n{task}"
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": list(question.choices)}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    text = str(model.host.complete([Message("user", task, tuple(shown))], schema).text)
    try:
        found = json.loads(text[text.index("{") : text.rindex("}") + 1])
        return str(found["answer"])
    except (ValueError, KeyError, TypeError):
        return text


def _pictures(path: Path) -> list[Picture]:
    """Frames and the picture of the voice: nothing that tells what was measured of the face."""
    showing, found = _seen(path)
    main = found.evidence.main
    shown = showing(main.id if main else None, (0.0, found.evidence.media.duration))
    return [p for p in shown if p.name.startswith(("frame", "voice"))]


def run(
    questions: Sequence[Question],
    answer: Answerer,
    file: Path,
    *,
    name: str,
    progress: Progress | None = None,
) -> dict[str, Answered]:
    """Answers to all questions by id; those that are kept in `file` are not asked again.

    One question's fault is kept as its error; a host that answers nobody raises ModelError.
    Raises BlockingIOError where another run writes the file, OSError.
    """
    kept = _read(file)
    clips: dict[Path | None, str] = {}
    found: dict[str, Answered] = {}
    with Log(file) as log:
        for number, question in enumerate(questions):
            if question.clip not in clips:
                clips[question.clip] = _digest(question.clip)
            key = _key(question, clips[question.clip], name)
            known = kept.get(question.id)
            if known is None or known.key != key or known.error is not None:
                known = _asked(question, answer, key)
                log.add(known)
            found[question.id] = known
            if progress is not None:
                progress(number + 1, len(questions))
    return found


def _asked(question: Question, answer: Answerer, key: str) -> Answered:
    started = time.perf_counter()
    try:
        text = answer(question)
    except (HostUnreachableError, WrongKeyError, NoSuchModelError, AskError):
        raise
    except Exception as error:  # the run's boundary: one question's fault must not end the run
        what = f"{code_of(error)}: {error}"
        return Answered(question.id, key, error=what, seconds=_since(started))
    said = hallucination.said(text, question.choices)
    return Answered(question.id, key, text, said, seconds=_since(started))


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


def _digest(clip: Path | None) -> str:
    return leaks.digest(clip) if clip is not None and clip.exists() else str(clip)


def _key(question: Question, clip: str, name: str) -> str:
    parts = [question.id, question.text, list(question.choices), clip, name]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]


def _read(file: Path) -> dict[str, Answered]:
    if not file.exists():
        return {}
    # A line that a kill tore apart has no end.
    rows = (json.loads(line) for line in file.read_bytes().split(b"\n")[:-1])
    return {row["id"]: Answered(**row) for row in rows}


def make(
    clips: Sequence[Path], labels: Path | None, progress: Progress | None = None
) -> list[Question]:
    """Pairs of these clips, measured now or remembered. Raises PairsError, SamplesError."""
    from agent.api import look

    found: list[Question] = []
    golds = _labels(labels) if labels else {}
    for number, clip in enumerate(clips):
        found += pairs.made(clip, look(clip), golds.get(clip.resolve()))
        if progress is not None:
            progress(number + 1, len(clips))
    if not found:
        raise PairsError("nothing in these clips is clear enough to ask about")
    return found


def _labels(file: Path) -> dict[Path, str]:
    """The owners' emotion of each clip of prepared samples, as one of `BASIC`."""
    from eval import labels

    found = {}
    for sample in samples.read(file):
        if sample.path is not None and "label" in sample.labels:
            found[sample.path.resolve()] = labels.gold(sample.labels)
    return found


def films(given: Sequence[Path]) -> list[Path]:
    """Clips named, and those of folders, by name. Raises PairsError for none."""
    found = [
        path
        for each in given
        for path in (sorted(each.rglob("*")) if each.is_dir() else [each])
        if path.suffix.lower() in FILMS
    ]
    missing = [str(path) for path in found if not path.exists()]
    if missing or not found:
        raise PairsError(f"no clip: {', '.join(missing or map(str, given))}")
    return list(dict.fromkeys(found))


def _files(questions: Sequence[Question]) -> Iterator[str]:
    return (str(q.clip) for q in questions if q.clip is not None and not q.clip.exists())


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="duchenne eval grounding",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--clips", nargs="+", type=Path, metavar="CLIP", help="files or folders")
    made.add_argument(
        "--labels", type=Path, metavar="FILE", help="prepared samples: owners' labels"
    )
    made.add_argument("--pairs", type=Path, metavar="FILE", help="questions to read instead")
    made.add_argument("--root", type=Path, metavar="DIR", help="where the clips of --pairs are")
    made.add_argument("--model", default="rules", metavar="M", help="rules, random, openai:NAME, …")
    made.add_argument("--base-url", metavar="U", help="of the host")
    made.add_argument("--alone", action="store_true", help="the host sees the clip, not the cues")
    made.add_argument("--out", type=Path, metavar="DIR", help="default: runs/grounding")
    made.add_argument("--limit", type=int, metavar="N", help="the first N pairs")
    made.add_argument("--seed", type=int, default=0, help="of the random model and the intervals")
    made.add_argument("--json", action="store_true", help="print the whole result")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; 0, or the exit status of what went wrong."""
    asked = parser().parse_args(argv)
    try:
        return _run(asked)
    except KeyboardInterrupt:
        return _complain("stopped; the same command goes on from here", 130)
    except BlockingIOError:
        return _complain(f"another run is writing {asked.out}: wait, or give --out", USAGE)
    except ModelError as error:
        return _complain(f"{error} What is done is kept; the same command goes on", 4)
    except Exception as error:  # the outermost boundary: known errors get a message, others rise
        status = exit_status_of(error)
        if status is None:
            raise
        return _complain(str(error), status)


def _run(asked: argparse.Namespace) -> int:
    if (asked.clips is None) == (asked.pairs is None):
        raise PairsError("say what to ask about: --clips FOLDER, or --pairs FILE")
    answer = answerer(asked.model, asked.base_url, alone=asked.alone, seed=asked.seed)
    out: Path = asked.out or Path("runs") / "grounding"
    if asked.pairs:
        questions = hallucination.read(asked.pairs, asked.root)
        if gone := list(_files(questions)):
            raise PairsError(f"{len(gone)} clips are not there, such as {gone[0]}: give --root")
    else:
        questions = make(films(asked.clips), asked.labels, _bar("clips"))
    if asked.limit:
        first = list(dict.fromkeys(q.pair for q in questions))[: asked.limit]
        questions = [q for q in questions if q.pair in first]
    hallucination.write(questions, out / "pairs.jsonl")
    name = f"{asked.model}{' alone' if asked.alone else ''} {asked.base_url or ''}".strip()
    name += f" seed {asked.seed}" if asked.model == RANDOM else ""
    slug = hashlib.sha256(name.encode()).hexdigest()[:8]
    file = out / f"answers-{slug}.jsonl"
    found = run(questions, answer, file, name=name, progress=_bar("questions"))
    result = {
        "model": asked.model, "alone": asked.alone,
        **hallucination.score(questions, {k: a.said for k, a in found.items()}, asked.seed),
        "failed": sum(a.error is not None for a in found.values()),
        "errors": sorted({a.error for a in found.values() if a.error})[:5],
        "answers": str(file), "pairs_file": str(out / "pairs.jsonl"),
    }  # fmt: skip
    print(json.dumps(result, indent=2, ensure_ascii=False) if asked.json else table(result))
    return 0


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    low, high = result["interval"]
    head = f"{'':24}{'pairs':>6}{'right':>8}{'chance':>8}{'made up':>9}{'silent':>8}"
    lines = [f"{result['model']}{', alone' if result['alone'] else ''}", head]

    def row(name: str, one: dict[str, Any]) -> str:
        made_up = "–" if one["hallucinated"] is None else f"{one['hallucinated']:.2f}"
        return (
            f"{name:24}{one['pairs']:6}{one['pairs_right']:8.2f}{one['chance']:8.2f}"
            f"{made_up:>9}{one['unanswered']:8}"
        )

    lines.append(row("all", result) + f"   [{low:.2f}, {high:.2f}]")
    for group in ("task", "kind", "source"):
        lines += [row(f"  {name}", one) for name, one in result[f"by_{group}"].items()]
    lines.append("made up: share of hallucinated questions answered yes; silent: no answer named")
    lines += [f"error: {error}" for error in result["errors"]]
    return "\n".join(lines)


def _bar(what: str) -> Progress | None:
    """Progress on standard error, where somebody watches."""
    if not sys.stderr.isatty():
        return None

    def told(done: int, of: int) -> None:
        end = "\n" if done == of else ""
        print(f"\r{what}: {done} of {of}", end=end, file=sys.stderr, flush=True)

    return told


def _complain(message: str, code: int) -> int:
    print(f"duchenne eval grounding: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
