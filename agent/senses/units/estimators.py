"""Which estimator of action units is used, and its version, without loading it.

Light, because a clip that is remembered is looked up by it.
"""

from __future__ import annotations

from typing import Literal

from agent.schema.errors import USAGE, DuchenneError
from agent.senses import weights
from agent.senses.weights import WEIGHTS


class EstimatorError(DuchenneError, ValueError):
    """An estimator that is not there; the message names those that are."""

    code = "bad_estimator"
    exit_status = USAGE


def chosen(name: str | None = None) -> Literal["learned", "shortcut"]:
    """The estimator of this name; without one the learned one where its weights are installed.

    Raises EstimatorError.
    """
    there = (WEIGHTS / "aus.npz").exists()
    if name == "learned" and not there:
        raise EstimatorError(
            f"the learned action unit estimator has no weights in {WEIGHTS}; "
            "train them (finetune.aus) or use: shortcut"
        )
    if name not in (None, "shortcut", "learned"):
        raise EstimatorError(
            f"no action unit estimator is called {name!r}; there are: learned, shortcut"
        )
    return "shortcut" if name == "shortcut" or not there else "learned"


def version(name: str | None = None) -> str:
    """Of the estimator of this name. Raises EstimatorError."""
    if chosen(name) == "learned":
        return weights.version()
    from agent.senses.units import geometric as shortcut

    return shortcut.VERSION
