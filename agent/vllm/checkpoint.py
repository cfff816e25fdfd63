"""What is to be served: a name on the hub, a folder, an adapter. Reads JSON, loads no weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.schema.errors import HOST, DuchenneError

RANKS: Final = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM's --max-lora-rank takes."""
BRIDGED: Final = "duchenne"
PROBE: Final = "probe.json"


class HostingError(DuchenneError, RuntimeError):
    """What was asked for cannot be served, or is not what runs; the message says why."""

    code = "hosting_failed"
    exit_status = HOST


@dataclass(frozen=True, slots=True)
class Model:
    """A base model or an exported checkpoint."""

    name: str
    """A folder, or a name on the hub."""
    kind: str | None
    """Its model_type; None for a name on the hub, which only vLLM will open."""
    probe: Path | None
    """The reference that was saved beside it."""

    @property
    def bridged(self) -> bool:
        """Whether it hears voice pictures, which needs the plugin."""
        return self.kind == BRIDGED


@dataclass(frozen=True, slots=True)
class Adapter:
    """LoRA beside a base model, not merged."""

    folder: Path
    rank: int
    modules: tuple[str, ...]
    """Ends of module names it is on; empty where it says so by a pattern."""
    probe: Path | None


def model(name: str) -> Model:
    """What a folder or name is. Raises HostingError for a folder that holds no model."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if folder.is_absolute() or name.startswith((".", "~")):
            raise HostingError(f"there is no folder {name}")
        return Model(name, None, None)
    if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        raise HostingError(f"{name} is an adapter: name its base model, then --adapter {name}")
    kind = _read(folder / "config.json").get("model_type")
    return Model(str(folder.resolve()), str(kind), _probe(folder))


def adapter(folder: Path) -> Adapter:
    """Raises HostingError for a folder that holds none, or one that vLLM cannot lay on a model."""
    folder = folder.expanduser().resolve()
    told = _read(folder / "adapter_config.json")
    if told.get("modules_to_save"):
        raise HostingError(
            f"{folder} also holds whole modules ({', '.join(told['modules_to_save'])}), which vLLM "
            "does not load from an adapter: merge it (duchenne train export)"
        )
    rank = max((int(told["r"]), *map(int, (told.get("rank_pattern") or {}).values())))
    wide = next((each for each in RANKS if each >= rank), None)
    if wide is None:
        raise HostingError(f"{folder} has rank {rank}; vLLM takes up to {RANKS[-1]}: merge it")
    modules = told.get("target_modules")
    ends = {name.rpartition(".")[2] for name in modules} if isinstance(modules, list) else set()
    return Adapter(folder, wide, tuple(sorted(ends)), _probe(folder))


def _probe(folder: Path) -> Path | None:
    path = folder.resolve() / PROBE
    return path if path.exists() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HostingError(f"{path.parent} cannot be served: {path.name}: {error}") from error
    if not isinstance(found, dict):
        raise HostingError(f"{path} is no JSON object")
    return found
