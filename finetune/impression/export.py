"""From a checkpoint to the file that the sense runs.

    python -m finetune.impression.export --data ferplus.npz --run DIR

The class weights of the training are taken out of the answer, a temperature is fitted on the
tenth that was kept to choose on, and from the same tenth, how often the leading label is the
majority's. Weights are stored in 16 bits and computed with in 32.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from scipy.optimize import minimize, minimize_scalar
from torch import Tensor, nn

from agent.senses.faces.impression import RISE, SPAN
from agent.senses.faces.impression_cues import LABELS
from agent.senses.weights import WEIGHTS
from finetune.impression import data
from finetune.impression.net import Net
from finetune.impression.train import judged, logits

MOST: Final = 1_500_000
"""Bytes of the file at most."""
Array = npt.NDArray[Any]


class Calibrated(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """The network with the class weights and the temperature taken out."""

    def __init__(self, net: nn.Module, weights: Tensor, temperature: float) -> None:
        super().__init__()
        self.net, self.temperature = net, temperature
        self.register_buffer("offset", weights.log())
        self.offset: Tensor

    def forward(self, face: Tensor) -> Tensor:
        found: Tensor = (self.net(face) - self.offset) / self.temperature
        return found


def restore(run: Path) -> tuple[Net, dict[str, Any]]:
    """The running mean of a run's weights, and its checkpoint."""
    state: dict[str, Any] = torch.load(run / "checkpoint.pt", weights_only=False)
    net = Net(state["settings"]["widths"])
    net.load_state_dict(state["mean"])
    return net.eval(), state


def both_ways(net: nn.Module, images: Array, side: int) -> Array:
    """Mean log-odds of the pictures and their mirror images."""
    return np.asarray((logits(net, images, side) + logits(net, images[:, :, ::-1], side)) / 2)


def temperature(found: Array, shares: Array) -> float:
    """Divisor of the log-odds under which the shares of the votes are likeliest."""

    def loss(log_t: float) -> float:
        return judged(found / np.exp(log_t), shares)["cross_entropy"]

    return float(np.exp(minimize_scalar(loss, bounds=(-1, 1), method="bounded").x))


def confidence(found: Array, shares: Array) -> dict[str, float]:
    """Slope and intercept: log-odds that the leading label is the majority's, from its share's."""
    top = np.exp(found - found.max(1, keepdims=True))
    top /= top.sum(1, keepdims=True)
    share = np.clip(top.max(1), 1e-3, 1 - 1e-3)
    right = found.argmax(1) == shares.argmax(1)
    odds = np.log(share / (1 - share))

    def loss(x: Array) -> float:
        return float(np.logaddexp(0, np.where(right, -1, 1) * (x[0] * odds + x[1])).mean())

    slope, intercept = minimize(loss, [1.0, 0.0], method="Nelder-Mead").x
    return {"slope": round(float(slope), 4), "intercept": round(float(intercept), 4)}


def slim(file: Path) -> None:
    """Store the large weights of an ONNX file in 16 bits, each widened where it is read."""
    model = onnx.load(file)
    graph = model.graph
    casts = []
    for weight in list(graph.initializer):
        if weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) >= 64:
            values = numpy_helper.to_array(weight).astype(np.float16)
            name = weight.name
            graph.initializer.remove(weight)
            graph.initializer.append(numpy_helper.from_array(values, f"{name}_16"))
            casts.append(helper.make_node("Cast", [f"{name}_16"], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model)
    onnx.save(model, file)


def export(run: Path, file: Path, out: Path, side: int | None = None) -> dict[str, Any]:
    """Write impression.onnx and impression.json; the latter's content."""
    net, state = restore(run)
    side = side or int(state["settings"]["sides"][-1])
    weights = state["weights"]
    parts = data.load(file)
    open_ = both_ways(Calibrated(net, weights, 1.0), parts.choose.images, side)
    t = temperature(open_, parts.choose.shares)
    model = Calibrated(net, weights, t).eval()
    target = out / "impression.onnx"
    torch.onnx.export(
        model, (torch.zeros(2, 1, side, side),), str(target), dynamo=False, opset_version=17,
        input_names=["face"], output_names=["logits"],
        dynamic_axes={"face": {0: "n"}, "logits": {0: "n"}},
    )  # fmt: skip
    slim(target)
    if (size := target.stat().st_size) > MOST:
        raise ValueError(f"{target} has {size} bytes; at most {MOST}: give smaller --widths")
    about = {
        "labels": list(LABELS),
        "input": "n × 1 × side × side, grey levels 0-255; the light is taken out inside",
        "output": "logits; their softmax is the share of people who would choose each label",
        "side": side,
        "crop": f"square of {SPAN} times the longer side of the box around the mesh, its middle "
        f"{RISE} of that side above the box's, turned so that the outer eye corners are level",
        "temperature": round(t, 4),
        "class_weights": [round(float(w), 4) for w in weights],
        "confidence": confidence(open_ / t, parts.choose.shares),
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "training": {
            "pictures": len(parts.train),
            "settings": state["settings"],
            "epochs": state["history"],
            "choose": judged(open_ / t, parts.choose.shares),
        },
    }
    (out / "impression.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    return about


def main(argv: list[str] | None = None) -> int:
    """Export a run."""
    parser = argparse.ArgumentParser(prog="python -m finetune.impression.export")
    parser.add_argument("--data", type=Path, required=True, metavar="NPZ", help="voted pictures")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="of the training")
    parser.add_argument("--out", type=Path, default=WEIGHTS, metavar="DIR")
    parser.add_argument("--side", type=int, help="points a side; else the last epoch's")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    about = export(arguments.run, arguments.data, arguments.out, arguments.side)
    print(json.dumps(about["training"]["choose"]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
