"""Duchenne: what people in a video feel and why, every reason citing what can be seen or heard.

from duchenne import ask, look, Session

evidence = look("clip.mp4")
answer = ask("clip.mp4", "What does she feel, and why?")
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.api import Session, ask, emotions, look
    from agent.schema.answer import Answer, Claim
    from agent.schema.evidence import Cue, Evidence

__all__ = ["Answer", "Claim", "Cue", "Evidence", "Session", "ask", "emotions", "look"]

_HOMES = {
    "Answer": "agent.schema.answer",
    "Claim": "agent.schema.answer",
    "Cue": "agent.schema.evidence",
    "Evidence": "agent.schema.evidence",
    "Session": "agent.api",
    "ask": "agent.api",
    "emotions": "agent.api",
    "look": "agent.api",
}

_ROOMS = ("agent", "data_cards", "eval", "finetune", "prompts")
"""The packages behind this one: their folders stand beside it."""


class _Beside:
    """Finds our packages beside this one, also where the working folder has an `agent`."""

    @staticmethod
    def find_spec(
        name: str,
        path: object = None,
        target: object = None,  # noqa: ARG004
    ) -> ModuleSpec | None:
        if path is None and name in _ROOMS:
            return PathFinder.find_spec(name, [str(Path(__file__).resolve().parents[1])])
        return None


def _ours() -> None:
    """Make sure that `agent` is ours. Raises ImportError where another one is in use already."""
    found = sys.modules.get("agent")
    here = Path(__file__).resolve().parents[1] / "agent"
    if found is not None and Path(str(found.__file__)).resolve().parent != here:
        raise ImportError(
            f"another package called 'agent' is in use ({found.__file__}), and Duchenne's own "
            "has the same name. Import duchenne before it, or in a process of its own"
        )
    if not any(finder is _Beside for finder in sys.meta_path):
        sys.meta_path.insert(0, _Beside)


_ours()


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that `import duchenne` costs nothing.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'duchenne' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
