"""Training on the voted pictures, resumable after each epoch.

    python -m finetune.impression.train --data ferplus.npz --out DIR

Targets are the shares of the votes; classes weigh by the inverse root of their share, so that
rare ones are learned (`export` takes the weights out of the answer again). Two processes with
one thread each share every batch: on a busy machine that wastes less than two threads in one.
Pictures grow from 32 to 48 points a side. What is kept is the running mean of the weights.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from finetune.impression import augment, data
from finetune.impression.net import Net

log = logging.getLogger("duchenne")


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one training."""

    sides: tuple[int, ...] = (32,) * 12 + (40,) * 28 + (48,) * 28
    """Points a side of the pictures, epoch by epoch."""
    widths: tuple[int, ...] = (24, 40, 80, 160)
    """Channels of the network, stage by stage."""
    batch: int = 64
    rate: float = 0.06
    """Highest learning rate."""
    decay: float = 5e-4
    keep: float = 0.998
    """Of the running mean of the weights, a step."""
    most: float = 4.0
    """Greatest class weight."""
    workers: int = 2
    seed: int = 0


def class_weights(shares: np.ndarray[Any, Any], most: float) -> np.ndarray[Any, Any]:
    """Inverse root of each class's share; 1 for the mean vote."""
    share = shares.mean(axis=0)
    weights = 1 / np.sqrt(np.maximum(share, 1e-6))
    weights /= (weights * share).sum()
    return np.asarray(np.minimum(weights, most), np.float32)


def rate(done: float, highest: float) -> float:
    """Learning rate after this share of the training: up over a twentieth, then down a cosine."""
    if done < 0.05:
        return highest * (0.1 + 18 * done)
    return highest * (0.002 + 0.998 * 0.5 * (1 + math.cos(math.pi * (done - 0.05) / 0.95)))


def _share(module: nn.Module, workers: int, what: str) -> None:
    """Mean of gradients or buffers over the processes."""
    if what == "gradients":
        parts = [p.grad for p in module.parameters() if p.grad is not None]
    else:
        parts = [b for b in module.buffers() if b.is_floating_point()]
    flat = torch.cat([part.flatten() for part in parts])
    dist.all_reduce(flat)
    flat /= workers
    start = 0
    for part in parts:
        part.copy_(flat[start : start + part.numel()].view_as(part))
        start += part.numel()


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is not typed here
def _average(mean: nn.Module, net: nn.Module, keep: float) -> None:
    for old, new in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is not typed here
def logits(net: nn.Module, images: np.ndarray[Any, Any], side: int = 40) -> np.ndarray[Any, Any]:
    """n × labels for pictures of n × 48 × 48, in order."""
    net.eval()
    parts = [
        net(torch.from_numpy(augment.plain(images[i : i + 256], side))).numpy()
        for i in range(0, len(images), 256)
    ]
    return np.concatenate(parts)


def judged(found: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]) -> dict[str, float]:
    """Accuracy and mean recall of the majority of the eight expressions; cross-entropy of all."""
    true, said = shares[:, :8].argmax(1), found[:, :8].argmax(1)
    recall = [float((said[true == k] == k).mean()) for k in np.unique(true)]
    shifted = found - found.max(1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return {
        "accuracy": round(float((said == true).mean()), 4),
        "recall": round(float(np.mean(recall)), 4),
        "cross_entropy": round(float(-(shares * logp).sum(1).mean()), 4),
    }


def work(rank: int, file: Path, out: Path, settings: Settings) -> None:
    """One process of the training."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    if hasattr(os, "setsid"):
        # Linux shares a busy core out by session before it looks at priorities.
        os.setsid()
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group(
        "gloo", init_method=f"file://{out.resolve()}/meet-{os.getppid()}",
        rank=rank, world_size=settings.workers,
    )  # fmt: skip
    parts = data.load(file)
    train = parts.train
    weights = torch.from_numpy(class_weights(train.shares, settings.most))
    torch.manual_seed(settings.seed)
    net = Net(settings.widths)
    mean = copy.deepcopy(net).requires_grad_(False)
    plain = [p for p in net.parameters() if p.ndim < 2]
    heavy = [p for p in net.parameters() if p.ndim >= 2]
    groups = [{"params": heavy, "weight_decay": settings.decay}, {"params": plain}]
    steps = torch.optim.SGD(groups, lr=settings.rate, momentum=0.9, nesterov=True)
    kept, first, history = out / "checkpoint.pt", 0, []
    if kept.exists():
        state = torch.load(kept, weights_only=False)
        net.load_state_dict(state["net"])
        mean.load_state_dict(state["mean"])
        steps.load_state_dict(state["steps"])
        first, history = state["epoch"], state["history"]
    count = len(train) // settings.batch
    half = settings.batch // settings.workers
    total = count * len(settings.sides)
    for epoch in range(first, len(settings.sides)):
        began, lost = time.perf_counter(), 0.0
        order = np.random.default_rng((settings.seed, epoch)).permutation(len(train))
        random = np.random.default_rng((settings.seed, epoch, rank))
        torch.manual_seed(settings.seed * 1000 + epoch * 10 + rank)
        net.train()
        for step in range(count):
            done = epoch * count + step
            for group in steps.param_groups:
                group["lr"] = rate(done / total, settings.rate)
            mine = order[step * settings.batch + rank * half :][:half]
            x = torch.from_numpy(augment.batch(train.images[mine], settings.sides[epoch], random))
            y = torch.from_numpy(train.shares[mine])
            loss: Tensor = -(weights * y * net(x).log_softmax(1)).sum(1).mean()
            steps.zero_grad()
            loss.backward()
            _share(net, settings.workers, "gradients")
            steps.step()
            _average(mean, net, min(settings.keep, (1 + done) / (10 + done)))
            lost += float(loss.detach())
            if rank == 0 and step % 60 == 0:
                log.info("epoch %d step %d of %d, loss %.3f, %.0f s", epoch, step, count,
                         lost / (step + 1), time.perf_counter() - began)  # fmt: skip
        with torch.no_grad():
            _share(net, settings.workers, "buffers")
            _share(mean, settings.workers, "buffers")
        if rank == 0:
            side = settings.sides[epoch]
            row = {"epoch": epoch + 1, "side": side, "loss": round(lost / count, 4)}
            row |= judged(logits(mean, parts.choose.images, side), parts.choose.shares)
            row["seconds"] = round(time.perf_counter() - began)
            history.append(row)
            log.info("%s", row)
            state = {"net": net.state_dict(), "mean": mean.state_dict(), "epoch": epoch + 1}
            state |= {"steps": steps.state_dict(), "history": history, "weights": weights}
            state["settings"] = asdict(settings)
            torch.save(state, out / "checkpoint.part")
            (out / "checkpoint.part").replace(kept)
            (out / "history.json").write_text(json.dumps(history, indent=1) + "\n")
        dist.barrier()
    dist.destroy_process_group()


def _sides(text: str) -> tuple[int, ...]:
    """ "28x3,32x9" → 28, 28, 28, 32, …"""
    pairs = (part.split("x") for part in text.split(","))
    return tuple(int(side) for side, count in pairs for _ in range(int(count)))


def _widths(text: str) -> tuple[int, ...]:
    widths = tuple(map(int, text.split(",")))
    if len(widths) != 4:
        raise argparse.ArgumentTypeError(f"{text}: wanted four widths, as in 24,32,64,128")
    return widths


def main(argv: list[str] | None = None) -> int:
    """Train, or go on where an earlier run stopped."""
    parser = argparse.ArgumentParser(prog="python -m finetune.impression.train")
    parser.add_argument("--data", type=Path, required=True, metavar="NPZ", help="voted pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sides", type=_sides, default=Settings().sides, metavar="28x3,32x9,40x2",
                        help="points a side and for how many epochs")  # fmt: skip
    parser.add_argument("--widths", type=_widths, default=Settings().widths, metavar="24,32,64,128")
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings = Settings(sides=arguments.sides, widths=arguments.widths, seed=arguments.seed)
    mp.spawn(work, (arguments.data, arguments.out, settings), nprocs=settings.workers)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
