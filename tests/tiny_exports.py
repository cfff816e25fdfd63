"""What `duchenne vllm` should serve and what it should refuse, from tests/tiny_duchenne.py.

    ~/vllm-env/bin/python tests/tiny_exports.py FOLDER

Besides base, adapter and merged, the last two with the reference of an export:
FOLDER/changed is merged with other weights, FOLDER/stock the same weights without the voice
tower as a plain Qwen3-VL, FOLDER/other an adapter with the reference of another.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import tiny_duchenne
from safetensors.torch import load_file, save_file

from agent.bridge import Duchenne
from finetune.export import PROBE, probe


def make(folder: Path) -> None:
    """All of them."""
    tiny_duchenne.make(folder)
    told = json.dumps(probe(folder / "merged"))
    for name in ("changed", "stock"):
        shutil.copytree(folder / "merged", folder / name)
    tiny_duchenne.adapter(Duchenne.from_pretrained(folder / "base"), folder / "other", seed=9)
    for name in ("merged", "changed", "stock", "adapter", "other"):
        (folder / name / PROBE).write_text(told)
    weights = load_file(folder / "merged" / "model.safetensors")
    more = {name: value * 1.2 if "o_proj" in name else value for name, value in weights.items()}
    save_file(more, folder / "changed" / "model.safetensors", {"format": "pt"})
    seen = {name: value for name, value in weights.items() if ".voice." not in name}
    save_file(seen, folder / "stock" / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "stock" / "config.json").read_text())
    config |= {"model_type": "qwen3_vl", "architectures": ["Qwen3VLForConditionalGeneration"]}
    (folder / "stock" / "config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
