"""What one captioning run is asked for, and the fingerprints that say when a row is still good.

Knows settings, prompts and versions; runs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final, Literal

import prompts

FORMAT: Final = 1
"""Of a row; a changed row gets a new number, and old rows are captioned anew."""
STYLES: Final = ("short", "rich", "cot", "merr")
_SHARED: Final = ("system", "evidence", "asserts", "repair", "shape", "caption_question")
_STEPS: Final = ("behaviour", "cognition", "emotion", "revise", "answer", "caption_task")

Calls = Literal["steps", "one"]
People = Literal["all", "main"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides what a row says, besides the clip."""

    style: str = "rich"
    profile: str = "general"
    people: People = "all"
    model: str = "rules"
    base_url: str | None = None
    revision: str = "rules"
    """Revision of the model, see `revision`."""
    aus: str | None = None
    """Action unit estimator; None for the best there is."""
    sensing: str = ""
    """Versions of the senses, see `sensing_versions`."""
    known: Sequence[str] = ()
    """Columns whose labels are told, so that rationales are written for them; () for none."""
    calls: Calls = "steps"
    """Whether a model goes through the steps one by one, or answers all of them in one reply."""
    look_closer: bool = True
    """Whether a doubtful moment is looked at again in all its frames."""
    patience: float = 300.0
    """Seconds a model may take for one reply."""

    @property
    def by_rules(self) -> bool:
        return self.model == "rules"

    @property
    def prompt_hash(self) -> str:
        """Over all wording that a model reads, and the profile."""
        steps = ("caption_whole", *_SHARED) if self.calls == "one" else (*_SHARED, *_STEPS)
        names = [*steps, f"profile_{self.profile}", f"caption_{self.style}"]
        names += ["caption_known"] if self.known else []
        texts = {name: prompts.text(name) for name in names}
        return _digest(texts)

    @property
    def settings(self) -> dict[str, Any]:
        """What the manifest tells of this plan; addresses of hosts are not part of it."""
        told = asdict(self)
        for name in ("base_url", "patience"):
            del told[name]
        told["known"] = list(self.known)
        return told | {"format": FORMAT, "prompt_hash": self.prompt_hash}

    def key(self, sha256: str, labels: Mapping[str, Any]) -> str:
        """Fingerprint of one clip's rows: content, prompts, model, senses, told labels."""
        told = {name: labels.get(name) for name in self.known}
        return _digest([sha256, self.settings, told])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def sensing_versions(aus: str | None = None) -> str:
    """The senses that this installation would use, as one line."""
    from agent.assets.resolve import find
    from agent.perception.look import SENSES
    from agent.senses.units.action_units import estimator

    mesh = "mesh478" if find("face_landmarker.task").path else "mesh468"
    senses = " ".join(f"{name}={number}" for name, number in SENSES.items())
    return f"{senses} aus={estimator(aus).version} {mesh}"


def revision(
    model: str, base_url: str | None = None, stated: str | None = None, live: bool = True
) -> str:
    """Which weights answer under a name, as far as can be told without loading them.

    The rules have the package's version; an OpenAI-compatible host tells what its name stands
    for; a folder is known by the sizes of its files. `stated` by the user wins; a host that is not
    `live` is not asked. Raises
    ModelError where the host does not answer.
    """
    if stated:
        return stated
    kind, _, name = model.partition(":")
    if kind == "openai" and not live:
        return name
    if kind == "openai":
        return _of_host(name, base_url)
    if kind == "hf":
        return "+".join(map(_of_folder, name.split("+")))
    return f"{model}@{version('duchenne')}"


def _of_host(name: str, base_url: str | None) -> str:
    from agent.models.clients.openai import OpenAIHost

    return OpenAIHost(name, base_url, timeout=30.0).revision()


def _of_folder(name: str) -> str:
    from pathlib import Path

    folder = Path(name).expanduser()
    if not folder.is_dir():
        return name
    sizes = {p.name: p.stat().st_size for p in sorted(folder.iterdir()) if p.is_file()}
    index = folder / "config.json"
    text = index.read_text(encoding="utf-8") if index.exists() else ""
    return f"{folder.name}@{_digest([sizes, text])[:12]}"
