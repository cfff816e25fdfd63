"""What must be so before anything else of this package is imported; `agent/__init__.py` calls it.

Imports only what every Python has imported already: where the current folder is searched first,
as with `python -m`, any other import could run a file of that folder.
"""

import os
import sys

from agent.util import telemetry


def begin() -> None:
    """Switch off reports; under `python -m agent…` search the current folder no more."""
    telemetry.switch_off()
    # While the package of a module run with -m is imported, this stands for its name.
    if sys.argv[:1] == ["-m"]:
        _leave_current_folder()


def ours() -> None:
    """For a process that is ours alone: also no traces, and no child that searches the folder
    it works in, whoever starts it."""
    telemetry.switch_off(traces=True)
    os.environ["PYTHONSAFEPATH"] = "1"


def _leave_current_folder() -> None:
    """Python puts it first for -m; clips may lie in it, and beside them a `pickle.py`."""
    if getattr(sys.flags, "safe_path", False) or not sys.path:
        return
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH120, PTH100
    # A checkout that is not installed is found only there.
    if sys.path[0] in ("", os.getcwd()) and os.getcwd() != root:  # noqa: PTH109
        del sys.path[0]
