"""One family of errors: what was given, what to do, and how a boundary tells it.

Every error of ours has a `code`, the same in a log, in `failures.jsonl` and between processes, and
an `exit_status` for the command line. Boundaries read these fields; none asks for class names.
"""

from __future__ import annotations

from typing import ClassVar, Final

DONE, FAILED, USAGE, MEDIA, HOST = 0, 1, 2, 3, 4
"""Exit statuses: done, failed on this machine, wrong use, unreadable media, model host failed."""


class DuchenneError(Exception):
    """Something of ours that could not be done; the message says what was given and why."""

    code: ClassVar[str] = "failed"
    """Stable name of this kind, in snake case."""
    exit_status: int = FAILED

    def __init__(self, message: object = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        """What to do about it, as a sentence of its own; None where the message says it."""

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said} {self.hint}" if self.hint else said


_FOREIGN: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (MemoryError, "out_of_memory"),
    (ImportError, "missing_package"),
    (FileNotFoundError, "missing_file"),
    (OSError, "system"),
)
"""Codes for errors of Python and the operating system."""


def code_of(error: BaseException) -> str:
    """The code of an error of ours or of the system; else the name of its class."""
    if isinstance(error, DuchenneError):
        return error.code
    # Decoders derive their own errors from OSError, for what a file holds.
    if type(error).__module__ != "builtins" and not isinstance(error, ImportError):
        return type(error).__name__
    known = (code for kind, code in _FOREIGN if isinstance(error, kind))
    return next(known, type(error).__name__)


def codes_of(error: BaseException) -> list[str]:
    """The codes of an error and of the kinds it is one of, the narrowest first."""
    kinds = [kind.code for kind in type(error).__mro__ if issubclass(kind, DuchenneError)]
    return list(dict.fromkeys([*kinds, code_of(error)]))


def exit_status_of(error: BaseException) -> int | None:
    """The exit status of an error of ours or of the system; None for a fault of the code."""
    if isinstance(error, DuchenneError):
        return error.exit_status
    return FAILED if isinstance(error, OSError) else None
