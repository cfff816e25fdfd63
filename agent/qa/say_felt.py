"""What was found about feelings, in words: one sentence a line, the answer first.

Knows templates (`[felt]`, `[signs]` of `wording/*.toml`) and the form that was asked for; measures
and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.qa.felt import Felt, Line, Sign
from agent.qa.templates import Wording, clock, span
from agent.schema.evidence import Evidence
from agent.schema.query import Language, Query

MOST_LINES: Final = 4
"""Sentences of an answer whose length was left open."""


def say_felt(
    felt: Felt, found: Sequence[Line], language: Language | None = None, expert: bool = False
) -> tuple[str, list[tuple[Line, str]]]:
    """The answer in the question's language, and each line with its own sentence."""
    query = felt.query
    words = _Words(Wording.of(language or query.language, expert), felt)
    if query.form == "one_word":
        return words.word(found[0]), [(found[0], words.word(found[0]))]
    if query.form is not None and query.form.startswith("top:"):
        return words.ranked(int(query.form.partition(":")[2])), []
    most = MOST_LINES
    if query.form is not None and query.form.startswith("sentences:"):
        most = int(query.form.partition(":")[2])
    kept = list(found[:most])
    told = [(line, words.line(line)) for line in kept]
    sentences = [sentence for _, sentence in told]
    if query.when is not None and sentences:
        start, end = felt.judged.span
        at = str(words.wording.text["felt"]["felt_at"])
        sentences[0] = at.format(time=span(start, end), text=sentences[0])
    if query.form in ("list", "table"):
        return "\n".join(f"- {words.wording.close(s)}" for s in sentences), told
    return words.wording.paragraph(sentences), told


class _Words:
    """One language's sentences about feelings."""

    def __init__(self, wording: Wording, felt: Felt) -> None:
        self.wording, self.felt = wording, felt

    @property
    def _query(self) -> Query:
        return self.felt.query

    @property
    def _evidence(self) -> Evidence:
        return self.felt.evidence

    def line(self, line: Line) -> str:
        """One line as a sentence without its full stop."""
        text: dict[str, str] = self.wording.text["felt"]
        template = text[line.key]
        filled = template.format(
            label=self.wording.label(line.label),
            other=self.wording.label(line.other),
            share=f"{100 * line.share:.0f}",
            other_share=f"{100 * line.other_share:.0f}",
            count=round(line.share),
            value=self._value(line),
            time=self._time(line),
            phases=self._phases(line),
            names=self._names(line),
            first=line.names[0] if line.names else "",
            rest=self._people(line.names[1:]),
            text=line.text,
            cites=f"[{', '.join(line.cited)}]" if line.cited else "",
            signs=self.wording.joined([self.sign(one) for one in line.signs]),
        )
        shown = "{signs}" in template or not line.signs
        told = filled if shown else f"{filled}{self._because(line.signs)}"
        cites = [i for i in line.cited if i not in told]
        return f"{told} [{', '.join(cites)}]" if cites else told

    def _because(self, signs: Sequence[Sign]) -> str:
        named = self.wording.joined([self.sign(one) for one in signs])
        return str(self.wording.text["felt"]["because"]).format(signs=named)

    def sign(self, sign: Sign) -> str:
        """ "a smile that reaches the eyes [A1, A2]"."""
        told = self.named(sign)
        if not sign.cites:
            return told
        codes = f"{self._codes(sign)}: " if self.wording.expert else ""
        return f"{told} [{codes}{', '.join(sign.cites)}]"

    def named(self, sign: Sign) -> str:
        """What a friend would call it."""
        names: dict[str, str | list[str]] = self.wording.text["signs"]
        if sign.code == "words":
            quoted = [c.text for i in sign.cites[:1] if (c := self._evidence.cue(i)) is not None]
            if quoted:
                return self.wording.fill("quoted", text=quoted[0])
        name = names.get(sign.code, names["other"])
        if isinstance(name, str):
            return name
        if sign.rises is None:
            manner = names["other"]
            return manner if isinstance(manner, str) else manner[0]
        return name[0] if sign.rises else name[1]

    def _codes(self, sign: Sign) -> str:
        cues = [c for i in sign.cites if (c := self._evidence.cue(i)) is not None]
        return " ".join(dict.fromkeys(f"{c.code}{c.grade or ''}" for c in cues))

    def _value(self, line: Line) -> str:
        if line.value is None:
            return ""
        if line.key in ("lasts", "often"):
            return f"{line.value:.1f}".removesuffix(".0")
        low, high = self._query.scale or (-1.0, 1.0)
        return f"{low + (high - low) * (line.value + 1) / 2:.1f}"

    def _time(self, line: Line) -> str:
        if line.at is None:
            low, high = self._query.scale or (-1.0, 1.0)
            return f"{low:g}–{high:g}"
        if line.key == "ends":
            return clock(line.at[1])
        return clock(line.at[0]) if line.key == "begins" else span(*line.at)

    def _phases(self, line: Line) -> str:
        told = [f"{self.wording.label(label)} ({span(*at)})" for label, at in line.phases]
        if len({label for label, _ in line.phases}) == 1 and line.key in ("lasts", "often"):
            told = [span(*at) for _, at in line.phases]
        arrow = str(self.wording.text["felt"]["then_next"])
        return (
            arrow.join(told)
            if line.key in ("course", "turns", "order")
            else self.wording.joined(told)
        )

    def _names(self, line: Line) -> str:
        table: dict[str, str] = self.wording.text["felt_names"]
        return self.wording.joined([table.get(name, name) for name in line.names])

    def _people(self, names: Sequence[str]) -> str:
        told = []
        for name in names:
            who, _, share = name.partition(":")
            told.append(f"{who} {100 * float(share or 0):.0f} %")
        comma = str(self.wording.text["comma"])
        return f" ({comma.join(told)})" if told else ""

    def word(self, line: Line) -> str:
        """One word."""
        lines = self.wording.lines
        if line.key.startswith(("cannot", "no_")):
            return lines["unclear_word"]
        if self.felt.asked and self._query.ask == "emotion":
            yes = line.key in ("yes", "partly", "yes_it_is", "partly_it_is")
            return lines["yes_word" if yes else "no_word"]
        if line.key in ("agree", "do_not_agree"):
            return lines["yes_word" if line.key == "agree" else "no_word"]
        if line.value is not None:
            return self._value(line)
        return self.wording.label(line.label) if line.label else lines["unclear_word"]

    def ranked(self, most: int) -> str:
        """The first few labels with their shares."""
        ranked = sorted(self.felt.shares.items(), key=lambda item: -item[1])[:most]
        told = [f"{self.wording.label(n)} {100 * share:.0f} %" for n, share in ranked]
        return self.wording.close(str(self.wording.text["comma"]).join(told))
