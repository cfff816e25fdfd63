"""The moments a question names: seconds, parts of the clip, things that happen in it.

Knows tags and numbers; no clip but its length, which "the last three seconds" needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from agent.qa.targets import targets
from agent.qa.text import CJK, Text
from agent.qa.vocabulary import Tag, Vocabulary
from agent.schema.query import Moment, Part

Relation = Literal["before", "after", "during"]
_N: Final = r"(\d+(?:\.\d+)?)"


@dataclass(frozen=True, slots=True)
class Found:
    """A moment, and the characters that name it."""

    moment: Moment
    start: int
    end: int


def moments(
    text: Text, tags: Sequence[Tag], lexicon: Vocabulary, length: float | None, scaled: bool
) -> list[Found]:
    """Moments in order of mention. `scaled`: bare "1 to 9" is a scale, not seconds."""
    found = list(_seconds(text.words, tags, lexicon, length, scaled))
    for tag in tags:
        if tag.section == "time" and tag.key in get_args(Part) and not _taken(tag, found):
            found.append(Found(Moment(part=cast(Part, tag.key)), tag.start, tag.end))
    # "Before or after" asks for the order of two things and names no moment.
    either = [t for t in tags if t.section == "relation" and t.key == "order"]
    for tag in tags:
        if tag.section == "time" and tag.key in get_args(Relation) and not _asks(tag, tags, text):
            if any(t.over(tag) and t.end - t.start > tag.end - tag.start for t in either):
                continue
            made = _anchored(text, tags, tag, lexicon, found)
            if made is not None and not _taken(made, found):
                found.append(made)
    return sorted(found, key=lambda each: each.start)


def number(word: str, lexicon: Vocabulary) -> float | None:
    """A number written in figures or as a word."""
    if re.fullmatch(_N, word):
        return float(word)
    return lexicon.numbers.get(word)


def _seconds(
    words: str, tags: Sequence[Tag], lexicon: Vocabulary, length: float | None, scaled: bool
) -> Iterator[Found]:
    unit, gap = lexicon.seconds, "" if lexicon.language in CJK else " "
    maybe = gap and f"{gap}?"
    join = "|".join(map(re.escape, lexicon.joins))
    spelt = "|".join([r"@?\d+(?:\.\d+)?", *map(re.escape, lexicon.numbers)])
    n = rf"({spelt})"
    bound = r"(?<![\w.@])" if gap else r"(?<![\d.@])"
    u = rf"(?:{maybe}(?:{unit})(?![^\W\d_]))" if gap else rf"(?:{unit})"
    pre = rf"(?:(?:{unit}){gap})?" if gap else "第?"
    span = re.compile(rf"{bound}{pre}{n}{u}?{maybe}(?:{join}){maybe}{pre}{n}{u}?")
    taken: list[tuple[int, int]] = []
    for match in span.finditer(words):
        clear = "@" in match[0] or re.search(unit, match[0]) is not None
        values = [number(match[i].lstrip("@"), lexicon) for i in (1, 2)]
        if (clear or not scaled) and None not in values and values[0] <= values[1]:  # type: ignore[operator]
            taken.append(match.span())
            yield Found(Moment(start=values[0], end=values[1]), *match.span())
    point = re.compile(rf"{bound}(?:{pre}(@\d+(?:\.\d+)?)|{n}{u}|(?:{unit}){gap}{n}(?!\w))")
    for match in point.finditer(words):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        value = number(next(g for g in match.groups() if g).lstrip("@"), lexicon)
        if value is None:
            continue
        which = next(
            (t.key for t in tags if t.section == "relation" and 0 <= match.start() - t.end <= 1
             and t.key in ("first", "last")), None,
        )  # fmt: skip
        start, end = value, value
        if which == "first":
            start, end = 0.0, value
        elif which == "last" and length is not None:
            start, end = max(0.0, length - value), length
        elif which == "last":
            yield Found(Moment(part="end"), *match.span())
            continue
        before = [t for t in tags if t.section == "time" and t.key in ("before", "after")]
        edge = next((t for t in before if _beside(t, match.span(), bool(gap))), None)
        relation = cast(Relation, edge.key) if edge is not None else "at"
        yield Found(Moment(start=start, end=end, relation=relation), *match.span())


def _beside(tag: Tag, span: tuple[int, int], prefix: bool) -> bool:
    """Whether "before" stands right at the number it belongs to."""
    return abs(span[0] - tag.end) <= 12 if prefix else abs(tag.start - span[1]) <= 3


def _asks(tag: Tag, tags: Sequence[Tag], text: Text) -> bool:
    """Whether this "when" is the question itself."""
    if any(t.section == "cue" and t.key == "when" and t.over(tag) for t in tags):
        rest = text.words[tag.end :].split(" , ", 1)
        return not (tag.start <= 1 and len(rest) == 2 and len(rest[1].split()) > 2)
    return False


def _anchored(
    text: Text, tags: Sequence[Tag], tag: Tag, lexicon: Vocabulary, known: Sequence[Found]
) -> Found | None:
    """What the clause after "while" (in Chinese and Japanese the one before it) speaks of."""
    if text.language in CJK:
        start = text.words.rfind(",", 0, tag.start) + 1
        subject = [t for t in tags if t.section == "person" and t.end <= start + 4]
        start = max([start, *(t.end for t in subject if t.start < tag.start)])
        scope, whole = (start, tag.start), (start, tag.end)
    else:
        comma = text.words.find(" ,", tag.end)
        end = comma if comma >= 0 else len(text.words)
        later = [f.start for f in known if f.start > tag.end]
        end = min([end, *later])
        scope, whole = (tag.end, end), (tag.start, end)
    anchor = _anchor(text, tags, scope, lexicon, cast(Relation, tag.key))
    if anchor is None:
        return None
    return Found(Moment(anchor=anchor, relation=cast(Relation, tag.key)), *whole)


def _anchor(
    text: Text, tags: Sequence[Tag], scope: tuple[int, int], lexicon: Vocabulary, relation: Relation
) -> str | None:
    clause = text.words[scope[0] : scope[1]]
    if quoted := re.search(r"#(\d+)", clause):
        return f"word:{text.quotes[int(quoted[1])]}"
    inside = [t for t in tags if scope[0] <= t.start and t.end <= scope[1] + 1]
    heard = next((t for t in inside if t.section == "cue" and t.key in ("say", "hear")), None)
    for target in targets(clause, _moved(inside, scope[0])):
        if target.felt and relation == "during":
            continue  # "come across as anxious" names no moment
        sharp = not target.vague or target.code in ("voice", "head")
        if sharp and not (heard and target.code == "speech"):
            return target.code
    if any(t.section == "cue" and t.key == "appear" for t in inside):
        return "appear"
    if text.language in CJK:
        return "speech" if heard else None
    words = [w for w in clause.split() if w not in lexicon.stop and w not in lexicon.articles]
    content = [w for w in words if not any(_is(w, t, text) for t in inside if t is heard)]
    plain = [t.key for t in tags if t.section == "person"]
    if content and (heard or relation != "during") and len(content) <= 3 and content[-1].isalpha():
        return f"word:{content[-1]}" if content[-1] not in plain else None
    return "speech" if heard and not content else None


def _is(word: str, tag: Tag, text: Text) -> bool:
    return word in text.words[tag.start : tag.end].split()


def _moved(tags: Sequence[Tag], by: int) -> list[Tag]:
    return [Tag(t.section, t.key, t.start - by, t.end - by, t.word) for t in tags]


def _taken(one: Tag | Found, found: Sequence[Found]) -> bool:
    return any(one.start < each.end and each.start < one.end for each in found)
