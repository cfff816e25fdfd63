"""What a question leaves to the one before it: "why?", "and sadness?", "what does she say then?".

Knows the last query; no words beyond the tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agent.qa.asks import Seen
from agent.qa.vocabulary import Tag
from agent.schema.query import Ask, Moment, Query

LEANING: Final[frozenset[Ask]] = frozenset(
    {"why", "when", "duration", "count", "rate", "side", "intensity", "people", "cause", "genuine"}
)
"""Kinds that need a target, and take the last one where they name none."""
FEW: Final = 5
"""Words of a question that only alters the last one."""


def resolve(query: Query, seen: Seen, tags: Sequence[Tag], last: Query | None) -> Query:
    """The query with what it leaves open taken from the last one, if there is a last one."""
    exists = [t for t in tags if t.section == "exists"]
    times = {t.key for t in tags if t.section == "time" and not any(t.over(e) for e in exists)}
    if last is None or last.ask in ("unknown", "help", "refuse", "outside"):
        return query
    changed: dict[str, Any] = {}
    if query.when is None and "before_that" in times:
        changed["when"] = _beside(last, "before")
    elif query.when is None and times & {"then", "there"}:
        said = query.ask in ("words", "emotion", "voice") or "there" in times
        changed["when"] = _beside(last, "during" if said else "after")
    if query.ask == "unknown":
        return _altered(query, seen, tags, last, changed)
    if query.target is None and query.ask in LEANING and _leans(query, seen):
        changed["target"] = last.target
        if query.ask in ("why", "cause") and last.target is not None:
            changed["ask"] = "why" if _felt(last.target) else "cause"
        if query.ask == "why":
            changed["when"] = changed.get("when") or last.when
    if query.who is None and last.who is not None and changed.get("target"):
        changed["who"] = last.who
    if _elliptic(query, seen, tags):
        changed |= _kept(query, seen, last)
    return query.model_copy(update=changed)


def _leans(query: Query, seen: Seen) -> bool:
    return query.ask != "people" or (seen.words <= FEW and "count" not in seen.cues)


def _altered(
    query: Query, seen: Seen, tags: Sequence[Tag], last: Query, changed: dict[str, Any]
) -> Query:
    """The last question again with another moment or person; "and after that?", "and him?"."""
    about = any(t.section == "cue" and t.key == "what_about" for t in tags)
    moment = changed.get("when") or query.when
    who = query.who or ("other" if about and seen.people & {"him", "he", "she"} else None)
    if seen.words > FEW + 2 or (moment is None and who is None):
        return query
    return last.model_copy(
        update={"when": moment or last.when, "who": who or last.who, "second": None,
                "language": query.language}
    )  # fmt: skip


def _elliptic(query: Query, seen: Seen, tags: Sequence[Tag]) -> bool:
    """ "and sadness?", "and the left side?": a target alone, no question of its own."""
    about = any(t.section == "cue" and t.key == "what_about" for t in tags)
    return about and seen.words <= FEW and query.ask in ("emotion", "event", "side")


def _kept(query: Query, seen: Seen, last: Query) -> dict[str, Any]:
    if query.ask == "side" or not seen.targets:
        return {"target": query.target or last.target}
    same = ("emotion", "event", "when", "duration", "count", "rate", "side", "intensity", "why")
    return {"ask": last.ask, "scale": last.scale} if last.ask in same else {}


def _beside(last: Query, relation: str) -> Moment | None:
    """Before, during or after what the last question was about."""
    at = last.when
    if at is not None:
        side = relation if relation != "during" else at.relation
        return Moment(**(at.model_dump() | {"relation": side}))
    if last.target is None or last.ask == "clip" or _felt(last.target):
        return None
    return Moment.model_validate({"anchor": last.target, "relation": relation})


def _felt(target: str) -> bool:
    return target.startswith("emotion") or target in ("valence", "arousal")
