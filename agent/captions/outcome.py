"""What came of one clip: its rows, or why there are none. Plain records, JSON both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agent.captions.rows import Row
from agent.schema.errors import USAGE, DuchenneError, code_of

FATAL: Final = {
    "missing_model_file": 1,
    "missing_package": 1,
    "bad_question": 2,
    "model_wrong_key": 4,
    "model_missing": 4,
    "model_unreachable": 4,
}
"""Errors of the set-up, by code: every clip would fail of them, so the run stops and can be
resumed. With the exit status of each."""

OURS: Final = frozenset((
    "worker_killed", "out_of_memory", "disk_full", "system",
    "ActorDiedError", "WorkerCrashedError", "OutOfMemoryError", "NodeDiedError",
    "OwnerDiedError", "ObjectLostError",
))  # fmt: skip
"""Errors of this machine, not of the clip, by code: a process that was killed, a full disk, no
memory. Ray's go by the names of their classes."""


class RunError(DuchenneError, RuntimeError):
    """The run cannot go on; what is done is kept, and the same command goes on from there."""

    code = "run_stopped"
    exit_status = USAGE

    def __init__(self, said: str, status: int = USAGE) -> None:
        super().__init__(said)
        self.exit_status = status
        """1 this machine, 2 wrong use, 4 the model's host."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a clip has no rows."""

    stage: str
    """reading, sensing, writing"""
    error: str
    """Code of the error, or the class of one that is not ours."""
    reason: str

    @property
    def awaiting(self) -> bool:
        """Whether only a batch's reply is lacking."""
        return self.error == "model_awaited"

    @property
    def ours(self) -> bool:
        """Whether this machine failed and the clip may be as good as any: it is tried again. A
        file that cannot be read at all is the source's."""
        return self.error in OURS and self.stage != "reading"

    @property
    def fatal(self) -> bool:
        return self.error in FATAL

    def stop(self) -> RunError:
        """The error that ends the run."""
        return RunError(self.reason, FATAL[self.error])


@dataclass(frozen=True, slots=True)
class Outcome:
    """One clip, done or failed."""

    id: str
    key: str
    rows: tuple[Row, ...] = ()
    failure: Failure | None = None

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"id": self.id, "key": self.key}
        if self.failure is None:
            return told | {"rows": list(self.rows)}
        return told | failure_json(self.failure)


def failure_json(failure: Failure) -> dict[str, str]:
    """A failure as failures.jsonl tells it."""
    return {"stage": failure.stage, "error": failure.error, "reason": failure.reason}


def from_json(told: dict[str, Any]) -> Outcome:
    """The outcome of `Outcome.to_json`. Raises KeyError where something is lacking."""
    if "rows" in told:
        return Outcome(told["id"], told["key"], tuple(told["rows"]))
    failure = Failure(told["stage"], told["error"], told["reason"])
    return Outcome(told["id"], told["key"], failure=failure)


def failed(stage: str, error: BaseException) -> Failure:
    """An error as a record, on one line and not too long."""
    said = " ".join(str(error).split()) or type(error).__name__
    return Failure(stage, code_of(error), said[:1000])
