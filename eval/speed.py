"""How fast the senses are, how much memory they take, and how long people wait.

    python -m eval.speed [--clip CLIP] [--peer-python PYTHON] [--long MINUTES] [--rounds N]

One table. Sensing is decoding, detection, tracking, mesh and (with face_landmarker.task)
blendshapes over every frame, against MediaPipe Tasks' FaceLandmarker in video mode over the
same frames on the same machine: both in turn, several rounds, the median of each; loading of
models is left out on both sides. Everything else is measured on the commands people type, in
processes of their own, start of Python included, with a cache that is empty at first.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

from agent.util import process
from agent.util.cache import cache_dir

PEER: Final = "mediapipe 1.x"
HOW: Final = (
    "not measured: make an environment with `python -m venv peer && peer/bin/pip install mediapipe`"
    " and pass --peer-python peer/bin/python"
)
QUESTION: Final = "What does this person feel, and why?"
OTHER: Final = "When does this person smile?"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    value: str
    want: str = ""
    """What it should be, and whether it is."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One finished process."""

    seconds: float
    peak_mib: float
    """Largest resident memory."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, a line as soon as it is measured."""
    asked = _parser().parse_args(argv)
    clip = Path(asked.clip) if asked.clip else _example()
    if not clip.is_file():
        print(f"no such clip: {clip}. Give one with --clip.", file=sys.stderr)
        return 2
    print(f"{clip.name}, {os.cpu_count()} cores, medians of {asked.rounds} rounds\n")
    for row in _rows(clip, asked):
        print(f"{row.what:<44} {row.value:>16}  {row.want}".rstrip(), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval.speed", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--clip", help="a clip with one face; 720p at 30 frames a second is usual")
    parser.add_argument("--peer-python", help="interpreter of an environment with mediapipe 1.x")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--long", type=float, default=30.0, help="minutes of the long clip; 0 leaves it out"
    )
    return parser


def _example() -> Path:
    here = Path(__file__).resolve().parents[1]
    shared = Path(os.environ.get("DUCHENNE_SHARED", here.parent / "shared"))
    return shared / "media" / "video" / "liveportrait_s32_smile_to_concern.mp4"


def _rows(clip: Path, asked: argparse.Namespace) -> Iterator[Row]:
    yield from _sensing(clip, asked.rounds, asked.peer_python)
    yield from _parts(clip, asked.rounds)
    with tempfile.TemporaryDirectory() as scratch, _commands(Path(scratch)) as run:
        yield from _looking(clip, asked.rounds, run, Path(scratch), asked.long)
        helps = [run("--help").seconds for _ in range(asked.rounds)]
        value = statistics.median(helps)
        yield Row("`duchenne --help`", f"{value:.2f} s", _wanted(value < 0.3, "< 0.3 s"))
        yield from _asking(clip, asked.rounds, run)
        minute = Path(scratch) / "60.mp4"
        yield from _asking(minute, max(1, asked.rounds // 3), run, " of a minute")


# ---- sensing against the peer ----------------------------------------------------------


def _parts(clip: Path, rounds: int) -> Iterator[Row]:
    """What one frame costs, part by part, nothing beside it."""
    import numpy as np

    from agent import media
    from agent.schema.samples import Frame
    from agent.senses.faces import load
    from agent.senses.faces.mesh import Roi, crop

    with media.stream(clip, audio=False) as items:
        image = next(item.image for item in items if isinstance(item, Frame))
    mesh = load().mesh
    roi = Roi(image.shape[1] / 2, image.shape[0] / 2, min(image.shape[:2]) / 2, 0.0)
    points = mesh.fit(image, roi).points.astype(np.float32)
    parts: dict[str, Callable[[], object]] = {
        "cutting out and mesh network": lambda: mesh.fit(image, roi),
        "cutting out alone": lambda: crop(image, roi, mesh.side),
        "blendshapes": lambda: mesh.blendshapes(points),
    }
    for what, work in parts.items():
        took = statistics.median(_milliseconds(work) for _ in range(40 * rounds))
        yield Row(f"one frame, {what}", f"{took:.2f} ms")
    begin, frames = time.process_time(), 0
    with media.stream(clip, audio=False) as items:
        frames = sum(isinstance(item, Frame) for item in items)
    took = 1000 * (time.process_time() - begin) / max(frames, 1)
    yield Row("one frame, decoding and colours", f"{took:.2f} ms", "of all cores")


def _milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begin)


def _sensing(clip: Path, rounds: int, peer_python: str | None) -> Iterator[Row]:
    from agent.senses.faces import load

    models = [load()]
    if models[0].without is None:
        models.append(load(bundle=False))
    model = _bundle() if peer_python else None
    ours: list[list[float]] = [[] for _ in models]
    theirs: list[float] = []
    version = ""
    for _ in range(rounds):
        for times, each in zip(ours, models, strict=True):
            times.append(sense(clip, each))
        if peer_python and model:
            rate, version = _peer(peer_python, clip, model)
            theirs.append(rate)
    for times, each in zip(ours, models, strict=True):
        rate = statistics.median(times)
        against = ""
        if theirs:
            ratio = statistics.median(o / t for o, t in zip(times, theirs, strict=True))
            against = f"{ratio:.2f} × the peer, {_wanted(ratio >= 2, '≥ 2 ×')}"
        yield Row(f"sensing, {each.name}", f"{rate:.0f} frames/s", against)
    if theirs:
        rate = statistics.median(theirs)
        yield Row(f"mediapipe {version} FaceLandmarker, video mode", f"{rate:.0f} frames/s")
    else:
        yield Row(f"{PEER} FaceLandmarker, video mode", "–", HOW if not peer_python else NO_MODEL)


NO_MODEL: Final = "not measured: face_landmarker.task is not there (`duchenne models pull`)"


def sense(clip: Path, models: object) -> float:
    """Frames a second of reading a clip and finding, following and meshing its faces."""
    from agent import media
    from agent.perception.worker import Behind
    from agent.schema.samples import FaceSample, Frame
    from agent.senses.faces import Faces, Models

    assert isinstance(models, Models)
    begin, frames = time.perf_counter(), 0
    faces, shaped = Faces(models), list[FaceSample]()
    # As in a pass over a clip: blendshapes beside the next picture's mesh.
    behind = Behind[FaceSample](lambda sample: shaped.append(faces.shaped(sample)))
    with media.stream(clip, audio=False) as items:
        pictures = (item for item in items if isinstance(item, Frame))
        for picture, then in pairwise(chain(pictures, [None])):
            assert picture is not None
            shaped.clear()
            for sample in faces.follow(picture, then):
                behind.push(sample)
            frames += 1
    behind.finish()
    faces.finish()
    return frames / (time.perf_counter() - begin)


def _peer(python: str, clip: Path, model: Path) -> tuple[float, str]:
    script = Path(__file__).with_name("speed_peer.py")
    done = subprocess.run(
        [python, str(script), str(clip), str(model)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise SystemExit(f"the peer failed: {last[0]}\n{HOW}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return said["frames"] / said["seconds"], said["version"]


def _bundle() -> Path | None:
    from agent.assets.resolve import find

    return find("face_landmarker.task").path


# ---- the commands people type -----------------------------------------------------------


class _Run:
    """Runs `duchenne` with a cache of its own."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._environment = process.environment({"DUCHENNE_CACHE": str(cache)})

    def __call__(self, *words: str) -> Ran:
        """Raises SystemExit with what the command said where it fails."""
        command = process.python("agent.cli.main")
        begin = time.perf_counter()
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen(
                [*command, *words], stdout=subprocess.DEVNULL, stderr=said, env=self._environment
            )
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - begin
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                said.seek(0)
                tail = said.read().decode(errors="replace")[-500:]
                raise SystemExit(f"duchenne {' '.join(words)} failed:\n{tail}")
        return Ran(seconds, usage.ru_maxrss / 1024)

    def forget(self) -> None:
        """Empty the cache of looks; model files stay."""
        shutil.rmtree(self._cache / "looks", ignore_errors=True)


@contextmanager
def _commands(scratch: Path) -> Iterator[_Run]:
    """A runner whose cache holds the model files that are here, and nothing else."""
    cache = scratch / "cache"
    cache.mkdir()
    if (models := cache_dir("models").resolve()).is_dir():
        (cache / "models").symlink_to(models)
    yield _Run(cache)


def _looking(clip: Path, rounds: int, run: _Run, scratch: Path, minutes: float) -> Iterator[Row]:
    from agent import media

    length = media.probe(clip).duration
    times = []
    for _ in range(rounds):
        run.forget()
        times.append(run("look", str(clip), "--json").seconds)
    pace = length / statistics.median(times)
    want = _wanted(pace >= 4, "≥ 4 ×")
    yield Row(f"`look`, whole ({length:.0f} s clip)", f"{pace:.1f} × real time", want)
    minute, ten = (
        run("look", str(repeated(clip, seconds, scratch / f"{seconds}.mp4")), "--json")
        for seconds in (60, 10)
    )
    for seconds, ran in ((10, ten), (60, minute)):
        pace, want = seconds / ran.seconds, _wanted(seconds / ran.seconds >= 4, "≥ 4 ×")
        yield Row(f"`look`, whole ({seconds} s clip)", f"{pace:.1f} × real time", want)
    yield Row("peak memory, 10 s clip", f"{ten.peak_mib:.0f} MiB")
    if minutes <= 0:
        yield Row("peak memory, long clip", "–", "left out (--long MINUTES)")
        return
    long = run("look", str(repeated(clip, 60 * minutes, scratch / "long.mp4")), "--json")
    more = long.peak_mib - ten.peak_mib
    yield Row(
        f"peak memory, {minutes:g} min clip",
        f"{long.peak_mib:.0f} MiB",
        f"{more:+.0f} MiB; {60 * minutes / long.seconds:.1f} × real time",
    )


def _asking(clip: Path, rounds: int, run: _Run, long: str = "") -> Iterator[Row]:
    """The same question again is read back; another one is answered from what was sensed."""
    times: dict[str, list[float]] = {"first": [], "same": [], "other": []}
    for _ in range(rounds):
        run.forget()
        for name, question in (("first", QUESTION), ("same", QUESTION), ("other", OTHER)):
            times[name].append(run("ask", str(clip), question, "--json").seconds)
    first, same, other = (statistics.median(each) for each in times.values())
    for what, seconds in (("the same question", same), ("another question", other)):
        share = seconds / first
        yield Row(
            f"second `ask` on a clip{long}, {what}",
            f"{share:.0%}",
            f"{seconds:.2f} s of {first:.2f} s, {_wanted(share < 0.1, '< 10 %')}",
        )


def _wanted(met: bool, want: str) -> str:
    return f"wanted {want}: {'yes' if met else 'no'}"


def repeated(clip: Path, seconds: float, target: Path) -> Path:
    """A clip of this length, made by repeating another's packets; nothing is encoded anew."""
    import av

    with av.open(str(clip)) as source, av.open(str(target), "w") as out:
        streams = [s for s in source.streams if s.type in ("video", "audio")]
        made = {s.index: out.add_stream_from_template(s) for s in streams}
        packets = [p for p in source.demux(streams) if p.dts is not None and p.pts is not None]
        length = max(float((p.pts + (p.duration or 0)) * p.time_base) for p in packets)
        kept = [(p, p.pts, p.dts, p.stream.index) for p in packets]
        for turn in range(max(1, round(seconds / length + 0.49))):
            for packet, pts, dts, index in kept:
                late = turn * length
                if float(pts * packet.time_base) + late >= seconds:
                    continue
                step = round(late / packet.time_base)
                packet.pts, packet.dts, packet.stream = pts + step, dts + step, made[index]
                out.mux(packet)
    return target


if __name__ == "__main__":
    sys.exit(main())
