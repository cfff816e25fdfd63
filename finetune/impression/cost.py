"""What the impression adds to a look at a clip, in processor time.

    python -m finetune.impression.cost CLIP [--times N]

The clip is looked at afresh N times, and so are its faces by the network alone, as often as in
a look. Processor time, so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from agent import media
from agent.perception.look import MAX_FPS, Request, look
from agent.schema.samples import Frame
from agent.senses.faces import Faces
from agent.senses.faces.impression import Impression, Impressions


def whole(clip: Path) -> float:
    """Seconds of processor time of one look."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        look(Request(clip, cache=Path(folder)))
        return time.process_time() - began


def alone(clip: Path, net: Impression) -> float:
    """Seconds of processor time of the impression within it."""
    faces, sense, spent = Faces(), Impressions(net), 0.0
    for item in media.stream(clip, fps=MAX_FPS, audio=False):
        if isinstance(item, Frame):
            for sample in faces.follow(item):
                began = time.process_time()
                sense.push(sample)
                spent += time.process_time() - began
    return spent


def main(argv: list[str] | None = None) -> int:
    """Print both, and the one as a share of the other without it, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m finetune.impression.cost")
    parser.add_argument("clip", type=Path)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args(argv)
    net = Impression()
    full = float(np.median([whole(options.clip) for _ in range(options.times)]))
    own = float(np.median([alone(options.clip, net) for _ in range(options.times)]))
    told = {"look, s": round(full, 2), "impression, s": round(own, 3)}
    print(json.dumps(told | {"added": round(own / (full - own), 4)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
