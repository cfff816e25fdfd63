"""What somebody feels over one span: the leading label, whether it is this one, why, how sure.

Knows what the reading says of one person (`agent.qa.felt`); words nothing (`agent.qa.say_felt`).
"""

from __future__ import annotations

from dataclasses import replace

from agent.facs.prototypes import BASIC, PARTS, STATES, table
from agent.qa.events import Span, clear, events
from agent.qa.felt import LIKELY, MOST_PHASES, MOST_SIGNS, TELLABLE, UPSET, Felt, Line, Sign
from agent.reading.reasons import HIGH, LOW
from agent.schema.assertion import Assertion, Relation


def cannot(felt: Felt) -> Line:
    person, judged = felt.person, felt.judged
    if judged.shares and felt.reading.claims:
        return Line("cannot_class")
    if person is not None and not person.live:
        return Line("cannot_alive", names=(person.doubt or "",))
    if person is not None and person.seen and judged.moments:
        return Line("cannot_then", at=(person.start, person.end))
    return Line("cannot_nothing")


def open(felt: Felt) -> list[Line]:
    """How somebody feels; whether it is this feeling."""
    return _whether(felt) if felt.asked else [*what(felt), *rivals(felt), *clash(felt)]


def what(felt: Felt, most: int = MOST_SIGNS) -> list[Line]:
    """The leading label, how sure, and what shows it."""
    ranked = sorted(felt.shares.items(), key=lambda item: -item[1])
    label, share = ranked[0]
    if label not in (*BASIC, *PARTS):
        return [Line("profile", label=label, share=share, cited=_conclusion(felt))]
    if label == "neutral":
        return [Line("neutral", label=label, share=share)]
    signs = felt.signs(label, most=most)
    if not signs:
        return [Line("no_sign", label=label, share=share)]
    sure = felt.reading.confidence
    key = "sure" if sure >= HIGH else "likely" if sure >= LOW else "perhaps"
    first = Line(key, label=label, share=share, signs=signs, asserts=_parts(felt, label))
    return [first]


def beside(felt: Felt) -> list[Line]:
    """The same after another answer: shorter."""
    return what(felt, most=1)


def _conclusion(felt: Felt) -> tuple[str, ...]:
    found = [c for c in felt.reading.claims if c.part == "conclusion" and c.cites]
    return found[0].cites[:3] if found else ()


def _parts(felt: Felt, label: str, at: Span | None = None) -> tuple[Assertion, ...]:
    parts = [part for part in PARTS.get(label, (label,)) if part in BASIC]
    relation: Relation = "present" if len(parts) == 1 else "more"
    return tuple(felt.says(part, relation, at) for part in parts)


def rivals(felt: Felt) -> list[Line]:
    """What comes next: as phases where feelings follow each other, else as the second label."""
    told = course(felt)
    if told:
        return told
    ranked = sorted(felt.shares.items(), key=lambda item: -item[1])
    for label, share in ranked[1:2]:
        signs = felt.signs(label, most=2) if label != "neutral" else ()
        if share < TELLABLE or (ranked[0][0] == "neutral" and not signs):
            continue
        if label == "neutral" or not signs:
            return []
        asserts = tuple(felt.says(p, "more") for p in PARTS.get(label, (label,)) if p in BASIC)
        return [Line("next", label=label, share=share, signs=signs, asserts=asserts)]
    return []


def course(felt: Felt) -> list[Line]:
    """The phases, where at least two feelings lead in turn."""
    marked = [run for run in felt.phases if run[0] != "neutral"]
    if len({label for label, *_ in marked}) < 2:
        return []
    shown = [
        (label, span, felt.signs(label, felt.within(span), most=1))
        for label, span, _ in marked[:MOST_PHASES]
    ]
    backed = [(label, span, signs) for label, span, signs in shown if signs]
    if len({label for label, *_ in backed}) < 2:
        return []
    return [
        Line(
            "course",
            phases=tuple((label, span) for label, span, _ in backed),
            signs=tuple(s for *_, signs in backed for s in signs),
            asserts=tuple(felt.says(label, "more", span) for label, span, _ in backed),
            part="interpretation",
        )
    ]


def clash(felt: Felt) -> list[Line]:
    return [
        Line(
            "clash",
            label=clash.one.label,
            other=clash.other.label,
            names=(clash.one.channel, clash.other.channel),
            at=(clash.start, clash.end),
            cited=(*clash.one.cites[:2], *clash.other.cites[:2]),
            part="interpretation",
            asserts=(agreement(felt, "absent"),),
        )
        for clash in felt.judged.discords[:1]
    ]


def agreement(felt: Felt, relation: Relation) -> Assertion:
    subject = felt.person.id if felt.person else "clip"
    return Assertion(subject=subject, what="agreement", relation=relation, at=felt.judged.span)


def _whether(felt: Felt) -> list[Line]:
    """Is it this feeling: yes, in part, for a moment, or rather not."""
    asked, share = felt.asked, felt.share(felt.asked)
    top = max(felt.shares, key=lambda k: felt.shares[k])
    denied = felt.query.relation == "absent"
    group = UPSET if asked == "upset" else PARTS.get(asked, (asked,))
    leads = share >= LIKELY * felt.shares[top] if asked != "upset" else share >= LIKELY
    best = max((p for p in group if p in BASIC), key=felt.share, default=asked)
    signs = felt.signs(best)
    if (top in group or leads) and (signs or asked == "neutral"):
        key = "yes" if top in group or asked == "upset" else "partly"
        says = (felt.says(best, "present" if top == best else "more"),) if signs else ()
        first = Line(f"{key}_it_is" if denied else key, label=asked, share=share, signs=signs,
                     other=top, other_share=felt.shares[top], asserts=says)  # fmt: skip
        return [first, *clash(felt)]
    if asked in BASIC and (found := felt.best(asked)) is not None and felt.query.when is None:
        at, there = found
        here = felt.signs(asked, felt.within(at), most=2)
        if here and there >= LIKELY:
            says = (felt.says(asked, "more", at),)
            return [
                Line("briefly", label=asked, share=share, at=at, signs=here, asserts=says),
                *beside(felt),
            ]
    return [Line("rather_not", label=asked, share=share), *beside(felt)]


def state(felt: Felt) -> list[Line]:
    """A state of mind that the reading has no label for: signs that go with it, or none."""
    asked, subject = felt.asked, felt.person.id if felt.person else "clip"
    who, span = felt.reading.person, felt.judged.span
    signs, says = [], []
    for code, rises in STATES[asked]:
        for event in events(felt.evidence, who, code, span):
            up = None if event.relative is None else event.relative > 0
            if not clear(event) or (rises is not None and up is not rises):
                continue
            signs.append(Sign(event.code, event.cues[:1], up))
            relation: Relation = "present" if rises is None else "more" if rises else "less"
            at = (event.start, event.end)
            says.append(Assertion(subject=subject, what=event.code, relation=relation, at=at))
            break
    if not signs:
        return [Line("state_none", label=asked), *beside(felt)]
    told = Line("state", label=asked, signs=tuple(signs[:MOST_SIGNS]), part="interpretation",
                asserts=tuple(says[:MOST_SIGNS]))  # fmt: skip
    return [told, *beside(felt)]


def why(felt: Felt) -> list[Line]:
    """Reasons first; of a feeling that does not lead, what little speaks for it."""
    asked = felt.asked
    top = max(felt.shares, key=lambda k: felt.shares[k])
    if not asked or asked == top or top in PARTS.get(asked, ()):
        return open(replace(felt, query=felt.query.model_copy(update={"target": None})))
    signs = felt.signs(asked)
    if signs:
        says = (felt.says(asked, "more"),) if asked in BASIC else ()
        return [Line("for_it", label=asked, share=felt.share(asked), signs=signs, asserts=says),
                *beside(felt)]  # fmt: skip
    return [Line("rather_not", label=asked, share=felt.share(asked)), *beside(felt)]


def whynot(felt: Felt) -> list[Line]:
    """What speaks against a feeling (against the leading one where none is named)."""
    ranked = sorted(felt.shares, key=lambda k: -felt.shares[k])
    asked = felt.asked or ranked[0]
    rival = next((k for k in ranked if k != asked and felt.signs(k)), "")
    out = []
    lacking = _lacking(felt, asked)
    if rival:
        says = (felt.says(rival, "more"),) if rival in BASIC else ()
        out.append(Line("against", label=asked, other=rival, share=felt.share(asked),
                        other_share=felt.share(rival), signs=felt.signs(rival),
                        asserts=says))  # fmt: skip
    if lacking:
        subject = felt.person.id if felt.person else "clip"
        absent = tuple(
            Assertion(subject=subject, what=code, relation="absent", at=felt.judged.span)
            for code in lacking
        )
        signs = tuple(Sign(code, ()) for code in lacking)
        out.append(Line("lacks", label=asked, signs=signs, asserts=absent, part="observation"))
    return [*out, *_doubt(felt)] or [Line("nothing_against", label=asked), *beside(felt)]


def _lacking(felt: Felt, label: str) -> list[str]:
    """Units that go with a label, could have been seen, and were not."""
    if label not in BASIC or label == "neutral" or not any(p.face for p in felt.judged.moments):
        return []
    looked = {code for piece in felt.judged.moments for code in piece.face}
    seen = {cue.code for cue in felt.judged.cues}
    wanted = sorted(table(label).items(), key=lambda item: -item[1])
    codes = [c for c, much in wanted if much > 0.5 and c in looked - seen and c.startswith("AU")]
    return [code for code in codes if code.isalnum()][:2]


def _doubt(felt: Felt) -> list[Line]:
    """What keeps the confidence down."""
    judged, person = felt.judged, felt.person
    face = any(piece.face for piece in judged.moments)
    voice = any(piece.voice for piece in judged.moments)
    why = []
    if judged.discords:
        why.append("discord")
    if face != voice:
        why.append("face_only" if face else "voice_only")
    if person is not None and face and person.baseline == "none":
        why.append("no_rest")
    if person is not None and face and person.quality < 0.5:
        why.append("poor_face")
    return [Line("doubts", names=tuple(why))] if why and felt.reading.confidence < HIGH else []


def confidence(felt: Felt) -> list[Line]:
    sure = felt.reading.confidence
    key = "conf_high" if sure >= HIGH else "conf_middle" if sure >= LOW else "conf_low"
    return [Line(key, share=sure), *_doubt(felt), *beside(felt)]


def intensity(felt: Felt) -> list[Line]:
    query = felt.query
    if query.target in ("valence", "arousal"):
        value = felt.reading.valence if query.target == "valence" else felt.reading.arousal
        return [Line("scale", label=query.target, value=value)]
    if not felt.asked:
        parts = [Line("scale", label=n, value=getattr(felt.reading, n))
                 for n in ("valence", "arousal")]  # fmt: skip
        return [*what(felt), *parts]
    share = felt.share(felt.asked)
    key = "much" if share >= 0.6 else "clearly" if share >= 0.35 else "slightly" \
        if share >= TELLABLE else "hardly"  # fmt: skip
    signs = felt.signs(felt.asked) if share >= TELLABLE else ()
    if not signs and key != "hardly":
        key = "slightly"
    says = (felt.says(felt.asked, "more"),) if signs and felt.asked in BASIC else ()
    return [Line(key, label=felt.asked, share=share, value=2 * share - 1, signs=signs,
                 asserts=says)]  # fmt: skip
