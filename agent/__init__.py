"""Duchenne: what people in a video feel and why, every reason citing what can be seen or heard.

`look` and `ask` do from Python what the command does; see `agent.api`.
"""

from agent.util import start  # first: before any other import reads sys.path or the environment

start.begin()

from typing import TYPE_CHECKING, Any  # noqa: E402

if TYPE_CHECKING:
    from agent.api import Session, ask, emotions, look

__all__ = ["Session", "ask", "emotions", "look"]


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that `import agent.cli.main` stays light.
    if name in __all__:
        from agent import api

        return getattr(api, name)
    raise AttributeError(f"module 'agent' has no attribute {name!r}")
