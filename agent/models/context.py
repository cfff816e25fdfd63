"""What a run of the graph is given from outside: evidence, a model, eyes to look again with.

Lives beside the state, never in it: models, clients and pictures are not saved in threads.
Knows no node and no wording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.schema.errors import USAGE, DuchenneError
from agent.schema.evidence import Evidence
from agent.schema.picture import Picture, Pictures, Span

if TYPE_CHECKING:
    from agent.models.reasoner import Model


class AskError(DuchenneError, ValueError):
    """A question, a profile, a person or a model that cannot be asked as it was given."""

    code = "bad_question"
    exit_status = USAGE


LookCloser = Callable[[float, float], Evidence | None]
"""Start and end in seconds → evidence of this window in all its frames, times of the whole clip;
None where the clip cannot be read again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the graph did, for those who watch it work."""

    name: str
    """plan, behaviour, cognition, emotion, check, revise, look, answer"""
    person: str | None
    text: str
    """What came of it, in a few words; of "answer" the whole answer."""


def unheard(_step: Step) -> None:
    """For questions whose steps nobody watches."""


def no_pictures(_person: str | None, _span: Span) -> Sequence[Picture]:
    """For clips that cannot be shown: sound alone, or evidence without its clip."""
    return ()


@dataclass(frozen=True, slots=True)
class Context:
    """Everything the nodes may use besides the state."""

    evidence: Evidence
    model: Model
    pictures: Pictures = no_pictures
    look_closer: LookCloser | None = None
    keep: Callable[[Evidence], str | None] | None = None
    """Called with the evidence after a closer look; gives the path the answer should name."""
    evidence_path: str | None = None
    """Path of the evidence as it was before any closer look."""
    told: Callable[[Step], None] = unheard
    """Called with each step as it is done, in the thread that does it."""
