"""Questions in pairs, one true and one hallucinated: records, published formats, scores.

A pair is right when all its questions are: a model that says yes to everything, or no, gets
none. Knows no clip's content and asks nobody. The published formats that are read:

- pairs, as EmotionHallucer and VideoHallucer ship them: a list of `{"basic": {"video",
  "question", "answer"}, "hallucination": {…}, "type"}`, or `{"video_id", "positive": {…},
  "negative": {…}, "type"}`. Without "answer" the first is yes, the second no;
- choices, as EmoReAlM ships them: a list of `{"video", "question", "options", "answer",
  "task"}`, each question a pair of its own;
- own: JSON lines as `write` writes them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from agent.schema.errors import USAGE, DuchenneError

YES_NO: Final = ("yes", "no")
TASKS: Final = ("reasoning", "agreement", "spurious", "hallucination")
"""The four tasks of EmoReAlM: which cue tells the feeling, whether the channels agree, cues that
are there and tell nothing of it, cues that are not there."""
RESAMPLES: Final = 2000


class PairsError(DuchenneError, ValueError):
    """Questions that cannot be read or made; says which file and what to do."""

    code = "bad_pairs"
    exit_status = USAGE


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a pair."""

    id: str
    pair: str
    """Questions of one pair are scored together."""
    text: str
    gold: str
    """One of `choices`."""
    clip: Path | None = None
    """None for questions of knowledge, which need none."""
    choices: tuple[str, ...] = YES_NO
    kind: str = "other"
    """unit, side, time, count, person, voice, words, emotion, agreement, reason; or as its owners
    say."""
    task: str = "hallucination"
    """One of TASKS; others as their owners name them."""
    source: str = "published"
    """rendered (truth is exact), measured (truth is this program's own), labelled, published."""


def write(questions: Iterable[Question], file: Path) -> None:
    """Keep as JSON lines. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.part")
    rows = ({**asdict(q), "clip": str(q.clip.absolute()) if q.clip else None} for q in questions)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(file)


def read(file: Path, root: Path | None = None) -> list[Question]:
    """Questions of any of the formats above; clips are found under `root`, else beside the file.

    Raises PairsError that names the item, OSError.
    """
    text = file.read_text(encoding="utf-8-sig")
    folder = root or file.parent
    try:
        whole = json.loads(text)
    except ValueError:
        whole = [
            _line(line, n, file) for n, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
    rows = _rows(whole)
    found = [q for n, row in enumerate(rows, 1) for q in _row(row, f"{file.name}-{n}", folder)]
    if not found:
        raise PairsError(f"{file} holds no question")
    ids = [q.id for q in found]
    if len(set(ids)) < len(ids):
        twice = next(id for id in ids if ids.count(id) > 1)
        raise PairsError(f"{file}: two questions are called {twice!r}")
    return found


def _line(line: str, number: int, file: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise PairsError(f"{file}, line {number}: not JSON ({error})") from error


def _rows(whole: Any) -> list[Any]:
    """The items, where a file groups them under names or holds them in one list."""
    if isinstance(whole, list):
        return whole
    if isinstance(whole, dict) and not {"question", "basic", "positive"} & whole.keys():
        return [row for group in whole.values() if isinstance(group, list) for row in group]
    return [whole]


def _row(row: Any, id: str, folder: Path) -> list[Question]:
    if not isinstance(row, dict):
        raise PairsError(f"{id}: an object was expected, not {row!r:.60}")
    for first, second in (("basic", "hallucination"), ("positive", "negative")):
        if first in row or second in row:
            return _pair(row, first, second, id, folder)
    if "pair" in row:
        return [_own(row, id, folder)]
    if "options" in row or "choices" in row:
        return [_choice(row, id, folder)]
    raise PairsError(
        f"{id}: neither a pair (basic and hallucination, or positive and negative) nor a "
        f"question with options; it has {', '.join(map(str, row))}"
    )


def _clip(row: Mapping[str, Any], folder: Path) -> Path | None:
    for name in ("video", "video_id", "video_path", "clip", "audio", "image", "path"):
        if isinstance(row.get(name), str) and row[name]:
            return folder / str(row[name])
    return None


def _pair(row: Mapping[str, Any], first: str, second: str, id: str, folder: Path) -> list[Question]:
    found = []
    for name, usual in ((first, "yes"), (second, "no")):
        half = row.get(name)
        if not isinstance(half, Mapping) or not isinstance(half.get("question"), str):
            raise PairsError(f"{id}: {name!r} needs an object with a question")
        gold = str(half.get("answer", usual)).strip().strip(".").lower()
        if gold not in YES_NO:
            raise PairsError(f"{id}: the answer of {name!r} is {gold!r}, wanted yes or no")
        clip = _clip(half, folder) or _clip(row, folder)
        kind = str(half.get("type") or row.get("type") or "other")
        found.append(Question(f"{id}-{name}", id, half["question"], gold, clip, kind=kind))
    return found


def _choice(row: Mapping[str, Any], id: str, folder: Path) -> Question:
    given = row.get("options", row.get("choices"))
    options = list(given.values()) if isinstance(given, Mapping) else list(given or ())
    letters = [str(k) for k in given] if isinstance(given, Mapping) else []
    choices = tuple(re.sub(r"^\s*\(?[A-Z][.):]\s*", "", str(o)).strip() for o in options)
    answer = row.get("answer", row.get("correct_answer", row.get("gold")))
    gold = _of_choices(answer, choices, letters)
    if not isinstance(row.get("question"), str) or gold is None or len(set(choices)) < 2:
        raise PairsError(f"{id}: needs a question, options and which of them is the answer")
    task = str(row.get("task") or row.get("category") or row.get("type") or "other")
    return Question(
        str(row.get("id", id)), id, row["question"], gold, _clip(row, folder), choices,
        kind=task, task=_task(task),
    )  # fmt: skip


def _of_choices(answer: Any, choices: Sequence[str], letters: Sequence[str]) -> str | None:
    """The option that an answer names by its text, its letter or its place."""
    if isinstance(answer, int) and not isinstance(answer, bool):
        return choices[answer] if 0 <= answer < len(choices) else None
    said = str(answer).strip()
    bare = re.sub(r"^\s*\(?[A-Z][.):]\s*", "", said).strip()
    for choice in choices:
        if choice.lower() in (said.lower(), bare.lower()):
            return choice
    if said in letters:
        return choices[letters.index(said)]
    letter = re.match(r"\(?([A-Za-z])\)?[.:]?$|\(?([A-Za-z])[.):]", said)
    place = ord((letter[1] or letter[2]).upper()) - ord("A") if letter else -1
    return choices[place] if 0 <= place < len(choices) else None


def _task(name: str) -> str:
    """EmoReAlM's task from its owners' longer names ("Emotion Reasoning - Stress Test …")."""
    low = name.lower()
    for part, task in (("hallucinat", "hallucination"), ("spurious", "spurious"),
                       ("agreement", "agreement"), ("reason", "reasoning")):  # fmt: skip
        if part in low:
            return task
    return name


_FIELDS: Final = {f.name for f in fields(Question)}


def _own(row: Mapping[str, Any], id: str, folder: Path) -> Question:
    if unknown := sorted(set(row) - _FIELDS):
        raise PairsError(f"{id}: unknown {', '.join(unknown)}")
    try:
        made = Question(**{**row, "choices": tuple(row.get("choices", YES_NO))})
    except TypeError as error:
        raise PairsError(f"{id}: {error}") from error
    if made.gold not in made.choices:
        raise PairsError(f"{id}: the gold {made.gold!r} is none of {', '.join(made.choices)}")
    return replace(made, clip=folder / str(made.clip) if made.clip else None)


_YES: Final = re.compile(r"\b(?:yes|yeah|yep|true|correct)\b", re.IGNORECASE)
_NO: Final = re.compile(r"\b(?:no|nope|false|incorrect)\b", re.IGNORECASE)


def said(text: str, choices: Sequence[str]) -> str | None:
    """Which choice an answer names; None where it names none, or several.

    >>> said("No, she rather looks sad.", YES_NO)
    'no'
    """
    plain = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL).strip()
    if tuple(choices) == YES_NO:
        first = re.match(r"\W*(yes|no|rather not|rather)\b", plain, re.IGNORECASE)
        if first:
            return "no" if first[1].lower() in ("no", "rather not") else "yes"
        yes, no = _YES.search(plain), _NO.search(plain)
        return None if bool(yes) == bool(no) else "yes" if yes else "no"
    if (one := _of_choices(plain, choices, ())) is not None:
        return one
    if all(_number(choice) is not None for choice in choices):
        count = _number(plain)
        return next((c for c in choices if count is not None and _number(c) == count), None)
    named = [choice for choice in choices if choice.lower() in plain.lower()]
    return named[0] if len(named) == 1 else None


_NUMBERS: Final = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight")
_TIMES: Final = {"never": 0, "no": 0, "once": 1, "twice": 2}


def _number(text: str) -> int | None:
    """The first number in a text, in digits or words."""
    for word in re.findall(r"\d+|[a-z]+", text.lower()):
        if word.isdigit():
            return int(word)
        if word in _TIMES:
            return _TIMES[word]
        if word in _NUMBERS:
            return _NUMBERS.index(word)
    return None


def score(
    questions: Sequence[Question], answers: Mapping[str, str | None], seed: int = 0
) -> dict[str, Any]:
    """Pairs both right, questions right, and how often yes is said; by task, kind and source.

    An answer of None names no choice: it is wrong, and counted as `unanswered`. The interval is
    of the pairs, clips resampled whole.
    """
    found = _scored(questions, answers)
    found["interval"] = _interval(questions, answers, seed)
    for name in ("task", "kind", "source"):
        groups: dict[str, list[Question]] = {}
        for q in questions:
            groups.setdefault(getattr(q, name), []).append(q)
        found[f"by_{name}"] = {k: _scored(v, answers) for k, v in sorted(groups.items())}
    return found


def _pairs(
    questions: Sequence[Question], answers: Mapping[str, str | None]
) -> dict[str, tuple[bool, str, float]]:
    """Of each pair: whether all is right, its clip, and the chance to guess it right."""
    found: dict[str, tuple[bool, str, float]] = {}
    for q in questions:
        right, clip, chance = found.get(q.pair, (True, str(q.clip), 1.0))
        found[q.pair] = right and answers.get(q.id) == q.gold, clip, chance / len(q.choices)
    return found


def _scored(questions: Sequence[Question], answers: Mapping[str, str | None]) -> dict[str, Any]:
    pairs = list(_pairs(questions, answers).values())
    polar = [q for q in questions if q.choices == YES_NO]
    yes = [answers.get(q.id) == "yes" for q in polar]
    wrong = [answers.get(q.id) == "yes" for q in polar if q.gold == "no"]
    return {
        "pairs": len(pairs),
        "pairs_right": sum(right for right, *_ in pairs) / len(pairs),
        "chance": sum(chance for *_, chance in pairs) / len(pairs),
        "questions": len(questions),
        "questions_right": sum(answers.get(q.id) == q.gold for q in questions) / len(questions),
        "unanswered": sum(answers.get(q.id) is None for q in questions),
        "said_yes": sum(yes) / len(yes) if yes else None,
        "hallucinated": sum(wrong) / len(wrong) if wrong else None,
    }


def _interval(
    questions: Sequence[Question], answers: Mapping[str, str | None], seed: int
) -> tuple[float, float]:
    """95 %, by bootstrap over clips."""
    by_clip: dict[str, list[bool]] = {}
    for right, clip, _ in _pairs(questions, answers).values():
        by_clip.setdefault(clip, []).append(right)
    sums = np.array([[sum(v), len(v)] for v in by_clip.values()], np.float64)
    draws = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLES, len(sums)))
    drawn = sums[draws].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)


def guessed(question: Question, seed: int = 0) -> str:
    """What a model that sees nothing says: any choice, each as likely, the same every time."""
    return random.Random(f"{seed} {question.id}").choice(question.choices)
