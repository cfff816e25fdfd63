"""A language model asked step by step: prompts out, JSON back, nothing filled in.

Knows steps, prompts and replies; no host's protocol and no graph. A malformed reply is sent
back once with what is wrong, then reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import prompts
from agent.grounding import concludes
from agent.models import asserting, brief, replies
from agent.models.asserting import Vocabulary
from agent.models.clients import Completion, Host, Message, NonsenseError
from agent.models.reasoner import Told, View
from agent.schema.answer import Claim, Part, Reading
from agent.schema.evidence import Missing

T = TypeVar("T")
R = TypeVar("R", bound=replies.Reply)
_ID: Final = re.compile(r"\b[AHVW]\d+\b")
_INLINE: Final = re.compile(r"\s*[\[(][AHVW]\d+(?:\s*[,;]\s*[AHVW]\d+)*[\])]", re.IGNORECASE)
"""Citations written into a text: " [A1, V2]"."""
FREE: Final = "one or two plain sentences."


class Language:
    """A language model at some host, asked step by step for JSON."""

    mends = True

    def __init__(self, host: Host) -> None:
        self.host = host
        self.name = host.name

    def behaviour(self, view: View) -> Reading:
        labels = view.profile.behavior
        task = prompts.fill("behaviour", **_about(view, "behaviour"), labels=_choice(labels))

        def taken(reply: replies.BehaviourReply) -> Reading:
            return Reading(
                person=view.person,
                span=view.span,
                behavior=replies.among(reply.behavior, labels, "behavior"),
                claims=_claims(reply.claims, "observation"),
            )

        return self._ask(view, task, replies.BehaviourReply, taken)

    def cognition(self, view: View, draft: Reading) -> Reading:
        labels = view.profile.cognition
        so_far = brief.reading_text(draft)
        task = prompts.fill(
            "cognition", **_about(view, "cognition"), labels=_choice(labels), so_far=so_far
        )

        def taken(reply: replies.CognitionReply) -> Reading:
            cognition = replies.among(reply.cognition, labels, "cognition")
            claims = (*draft.claims, *_claims(reply.claims, "interpretation"))
            return draft.model_copy(update={"cognition": cognition, "claims": claims})

        return self._ask(view, task, replies.CognitionReply, taken)

    def emotion(self, view: View, draft: Reading) -> Reading:
        profile = view.profile
        wording = "up to five names for the feeling in your own words"
        task = prompts.fill(
            "emotion",
            **_about(view, "emotion"),
            labels=", ".join(profile.emotion),
            so_far=brief.reading_text(draft),
            words=wording if profile.words else "an empty list",
        )

        def taken(reply: replies.EmotionReply) -> Reading:
            return draft.model_copy(
                update={
                    "emotions": replies.distribution(reply.emotions, profile.emotion),
                    "words": reply.words if profile.words else (),
                    "valence": reply.valence / 100,
                    "arousal": reply.arousal / 100,
                    "confidence": reply.confidence / 100,
                    "claims": (*draft.claims, *_claims(reply.claims, "conclusion")),
                }
            )

        return self._ask(view, task, replies.EmotionReply, taken)

    def revise(self, view: View, draft: Reading) -> Reading:
        struck = [claim for claim in draft.claims if not claim.grounded]
        standing = [claim for claim in draft.claims if claim.grounded]
        task = prompts.fill(
            "revise",
            person=view.person or "the clip",
            start=f"{view.span[0]:.2f}",
            end=f"{view.span[1]:.2f}",
            struck="\n".join(
                f"{n}. {brief.claim_line(claim)}: {brief.quoted(claim.why or 'not carried')}"
                for n, claim in enumerate(struck, 1)
            ),
            standing="\n".join(f"- {brief.claim_line(claim)}" for claim in standing) or "None.",
        )

        def taken(reply: replies.RevisedReply) -> Reading:
            anew = {mended.number: mended for mended in reply.claims}
            return draft.model_copy(update={"claims": _mended(draft.claims, anew)})

        return self._ask(view, task, replies.RevisedReply, taken)

    def answer(self, view: View, readings: Sequence[Reading]) -> Told:
        so_far = "\n".join(map(brief.reading_text, readings))
        task = prompts.fill("answer", question=brief.quoted(view.question, 2000), so_far=so_far)

        def taken(reply: replies.AnswerReply) -> Told:
            return Told(claims=_sentences(reply.sentences), lacking=reply.lacking.strip())

        people = [reading.person for reading in readings]
        return self._ask(view, task, replies.AnswerReply, taken, people)

    def tell(self, view: View, task: str) -> tuple[Claim, ...]:
        """Sentences for any other task about one person, each with its cues; not yet checked."""

        def taken(reply: replies.CaptionReply) -> tuple[Claim, ...]:
            return _sentences(reply.sentences)

        return self._ask(view, task, replies.CaptionReply, taken)

    def whole(self, view: View, task: str) -> tuple[Reading, tuple[Claim, ...]]:
        """All steps about one person in one reply, and a caption's sentences; not yet checked."""
        profile = view.profile

        def taken(reply: replies.WholeReply) -> tuple[Reading, tuple[Claim, ...]]:
            claims = (
                *_claims(reply.observations, "observation"),
                *_claims(reply.interpretations, "interpretation"),
                *_claims(reply.conclusions, "conclusion"),
            )
            reading = Reading(
                person=view.person,
                span=view.span,
                behavior=replies.among(reply.behavior, profile.behavior, "behavior"),
                cognition=replies.among(reply.cognition, profile.cognition, "cognition"),
                emotions=replies.distribution(reply.emotions, profile.emotion),
                words=reply.words if profile.words else (),
                valence=reply.valence / 100,
                arousal=reply.arousal / 100,
                confidence=reply.confidence / 100,
                claims=claims,
            )
            return reading, _sentences(reply.sentences)

        return self._ask(view, task, replies.WholeReply, taken)

    def lacking(self) -> tuple[Missing, ...]:
        if "pictures" not in self.host.lacks:
            return ()
        return (Missing(what="pictures", why=f"{self.name} takes none: it read the cues alone"),)

    def _ask(
        self,
        view: View,
        task: str,
        shape: type[R],
        taken: Callable[[R], T],
        people: Sequence[str | None] | None = None,
    ) -> T:
        """One reply, read and checked; a malformed one is sent back once, then reported.

        Assertions about what is not in the clip are sent back once too; where they stay, they
        stand in the claims and nothing supports them.
        """
        about = people or [view.person]
        messages = self._messages(view, task, about)
        ids = brief.shown_ids(view.evidence, about, view.span)
        vocabulary = Vocabulary.of(view.evidence)
        schema = replies.schema(shape, view.profile, ids, vocabulary)
        first = self.host.complete(messages, schema)
        try:
            reply = replies.read(first.text, shape)
            if problem := replies.wrong(reply, vocabulary):
                raise replies.ReplyError(problem)
            return taken(reply)
        except replies.ReplyError as error:
            problem = _problem(error, first.cut)
        mending = [
            Message("assistant", first.text or "(nothing)"),
            Message("user", prompts.fill("repair", problem=problem)),
        ]
        second = self.host.complete([*messages, *mending], schema)
        try:
            return taken(replies.read(second.text, shape))
        except replies.ReplyError as error:
            shown = " ".join(second.text.split())[:160]
            raise NonsenseError(
                f"{self.name} gave no usable reply in two tries: {_problem(error, second.cut)}. "
                f"It said {shown!r}. Try a more capable model{_room(second)}, or --model rules"
            ) from error

    def _messages(self, view: View, task: str, people: Sequence[str | None]) -> list[Message]:
        """System, then pictures and evidence (the same for each step, so a host can cache
        them), then the task."""
        shown = tuple(view.pictures(view.person, view.span))
        read = brief.evidence_text(view.evidence, people, view.span, shown, view.history)
        return [
            Message("system", prompts.fill("system")),
            Message("user", f"{read}\n\n{prompts.fill('asserts')}\n\n{task}", shown),
        ]


def _problem(error: replies.ReplyError, cut: bool) -> str:
    return f"{error}{' (it was cut off: answer more briefly)' if cut else ''}"


def _room(completion: Completion) -> str:
    return " or a larger DUCHENNE_MAX_TOKENS" if completion.cut else ""


def _about(view: View, step: str) -> dict[str, str]:
    return {
        "question": brief.quoted(view.question, 2000),
        "person": view.person or "the clip as a whole",
        "start": f"{view.span[0]:.2f}",
        "end": f"{view.span[1]:.2f}",
        "definitions": view.profile.definitions[step],
    }


def _choice(labels: Sequence[str]) -> str:
    return f"one of {', '.join(labels)}." if labels else FREE


def _mended(claims: Sequence[Claim], anew: Mapping[int, replies.Mended]) -> tuple[Claim, ...]:
    """Struck claims said anew by number from 1; left out where the new text is empty, and as
    they were where nothing came back."""
    made: list[Claim] = []
    number = 0
    for claim in claims:
        number += not claim.grounded
        mended = None if claim.grounded else anew.get(number)
        made += [claim] if mended is None else _claims([mended], claim.part)
    return tuple(made)


def _sentences(said: Sequence[replies.Said]) -> tuple[Claim, ...]:
    """Sentences of a free text as claims, each of the part that its own words make it: what names
    no feeling is no conclusion."""

    def part(claim: Claim) -> Part:
        feels = any(a.what.startswith("emotion:") for a in claim.asserts)
        return "conclusion" if feels or concludes(claim.text) else "observation"

    claims = _claims(said, "observation")
    return tuple(claim.model_copy(update={"part": part(claim)}) for claim in claims)


def _claims(said: Sequence[replies.Said], part: Part) -> tuple[Claim, ...]:
    """Claims of a reply; ids that the model wrote into the text join its citations."""
    claims = []
    for one in said:
        text = " ".join(_INLINE.sub("", one.text).split())
        ids = (*one.cites, *(found[0] for found in _INLINE.finditer(one.text)))
        cites = [id for written in ids for id in _ID.findall(written.upper())]
        strange = [written for written in one.cites if not _ID.search(written.upper())]
        if text:
            cited = tuple(dict.fromkeys([*cites, *strange]))
            asserts = asserting.read(one.asserts)
            claims.append(Claim(text=text, cites=cited, part=part, asserts=asserts))
    return tuple(claims)
