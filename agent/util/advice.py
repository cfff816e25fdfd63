"""How what is missing gets here: the one place that words an advice to install.

Duchenne is on no package index. It is installed from a clone of its repository, and so are its
extras; what each extra brings stands in pyproject.toml.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

Extra = Literal["bench", "dev", "faces", "postgres", "scale", "serve", "train", "words"]

WHERE: Final = "in your clone of Duchenne"


def advice(*extras: Extra, python: str | None = None) -> str:
    """What to type, and where, for Duchenne with `extras`.

    An installation that follows its clone (`pip install -e`) is asked to stay one. `python` is
    another interpreter, one with packages of its own: it gets Duchenne and nothing else.
    """
    pip = f"{python} -m pip" if python else "pip"
    options = " --no-deps" if python else ""
    options += " -e" if _from_clone() else ""
    what = f"'.[{','.join(extras)}]'" if extras else "."
    return f"{pip} install{options} {what} {WHERE}"


def _from_clone() -> bool:
    return (Path(__file__).resolve().parents[2] / "pyproject.toml").is_file()
