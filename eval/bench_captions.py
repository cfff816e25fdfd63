"""Captioning under load and under the axe, on clips cut from real ones.

    python -m eval.bench_captions clips MEDIA OUT [--count 200]     cut clips of 1 to 3 s
    python -m eval.bench_captions kills CLIPS OUT [--kills 100]     kill -9 at random moments
    python -m eval.bench_captions cores CLIPS                       sensing on 1, 2, … cores
    python -m eval.bench_captions ray CLIPS OUT [--kills 6]         on Ray, workers killed
    python -m eval.bench_load CLIPS --model M --base-url U          against a bare loader

`kills` compares the rows with those of a run that nobody disturbed: the same rows, none twice,
every line and shard whole. Cutting is seeded, so the clips are the same every time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from agent.util.process import environment, python

SUFFIXES: Final = (".mp4", ".mov")
SIDE: Final = 320
"""Longer side of a cut clip in pixels."""


def clips(media: Path, out: Path, count: int, seed: int = 0) -> list[Path]:
    """`count` clips of 1 to 3 s cut from the films in `media`, some of them the same twice."""
    films = sorted(p for p in media.rglob("*") if p.suffix in SUFFIXES and "nc" not in p.parts)
    if not films:
        raise SystemExit(f"{media} holds no films ({', '.join(SUFFIXES)})")
    draw = random.Random(seed)
    out.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for number in range(count):
        target = out / f"{number // 50}" / f"clip-{number:03d}.mp4"
        film, start, length = films[number % len(films)], draw.random(), draw.uniform(1.0, 3.0)
        twice = number % 10 == 9
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            if twice:
                shutil.copyfile(made[-1], target)
            else:
                cut(film, target, start, length)
        made.append(target)
    return made


def cut(film: Path, target: Path, start: float, length: float) -> None:
    """`length` seconds from a share `start` of the film, made small, its sound kept."""
    import av
    import numpy as np

    from agent.media import probe, sound, stream
    from agent.schema.samples import Frame

    about = probe(film)
    begin = start * max(0.0, about.duration - length)
    with (
        av.open(str(target), "w") as box,
        stream(film, fps=25, start=begin, end=begin + length, max_side=SIDE, audio=False) as items,
    ):
        video = box.add_stream("libx264", rate=25)
        voice = box.add_stream("aac", rate=16_000) if about.has_audio else None
        for item in items:
            if isinstance(item, Frame):
                even = np.ascontiguousarray(
                    item.image[: item.image.shape[0] // 2 * 2, : item.image.shape[1] // 2 * 2]
                )
                if not video.codec_context.is_open:
                    video.height, video.width = even.shape[:2]
                    video.pix_fmt = "yuv420p"
                box.mux(video.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        box.mux(video.encode())
        if voice is not None:
            heard = sound(film, begin, begin + length).samples
            for at in range(0, len(heard), 1024):
                frame = av.AudioFrame.from_ndarray(heard[None, at : at + 1024], "fltp", "mono")
                frame.sample_rate = 16_000
                box.mux(voice.encode(frame))
            box.mux(voice.encode())


def rows(out: Path) -> dict[tuple[str, str], Any]:
    """Rows by clip and person; raises AssertionError where one is there twice or one is torn."""
    from agent.captions.store import read_rows

    found: dict[tuple[str, str], Any] = {}
    for row in read_rows(out):
        at = row["id"], row["person"]
        if at in found:
            raise AssertionError(f"{at} is there twice")
        found[at] = row
    failures = out / "failures.jsonl"
    for line in failures.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        found[told["id"], "failed"] = told
    return found


def command(source: Path, out: Path, *more: str) -> list[str]:
    """A captioning run as its own process."""
    return python("agent.cli.main", "caption", str(source), "--out", str(out), *more)


def _run(words: Sequence[str], **more: str) -> None:
    subprocess.run(words, check=True, capture_output=True, env=environment(more))


def kills(source: Path, out: Path, wanted: int, most: int, more: Sequence[str]) -> dict[str, Any]:
    """Kill runs at random moments; each time one comes to its end, compare and begin anew.

    A run is killed up to half a second after so many new clips, from none to `most`: moments by
    the clock would all lie in the start of Python on a busy machine.
    """
    calm = out / "undisturbed"
    shutil.rmtree(calm, ignore_errors=True)
    _run(command(source, calm, *more))
    expected = rows(calm)
    draw, begun = random.Random(int(time.time())), time.monotonic()
    killed, ended, at = 0, 0, Counter[str]()
    shaken = out / "shaken"
    shutil.rmtree(shaken, ignore_errors=True)
    reported: set[tuple[str, str]] = set()
    while killed < wanted or not ended:
        process = subprocess.Popen(
            command(source, shaken, *more), env=environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if killed < wanted and _alive_after(process, shaken, draw.randint(0, most), draw):
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            now = _reported(shaken)
            at["after new rows" if now - reported else "before new rows"] += 1
            if lost := reported - now:
                raise AssertionError(f"lost after a kill: {sorted(lost)[:3]}")
            reported = now
            continue
        if (code := process.wait()) != 0:
            raise AssertionError(f"a run that went on after a kill ended with {code}")
        if (got := rows(shaken)) != expected:
            raise AssertionError(f"other rows after kills: {_difference(expected, got)}")
        ended, reported = ended + 1, set()
        shutil.rmtree(shaken)
    return {
        "clips": len({id for id, _ in expected}), "rows": len(expected), "kills": killed,
        "kills_by_moment": dict(at), "runs_completed_and_equal": ended,
        "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def _alive_after(process: Any, out: Path, clips: int, draw: random.Random) -> bool:
    """Whether a run still lives a moment after it has journalled so many clips."""
    before, gone = _journalled(out), time.monotonic()
    while process.poll() is None and _journalled(out) - before < clips:
        time.sleep(0.02)
        if time.monotonic() - gone > 900:
            raise AssertionError("a run came no further for a quarter of an hour")
    time.sleep(draw.uniform(0.0, 0.5 if clips else 3.0))
    return process.poll() is None


def _journalled(out: Path) -> int:
    """Rows in shards and whole lines in journals; 0 while one is becoming the other."""
    import pyarrow.parquet as pq

    try:
        lines = sum(p.read_bytes().count(b"\n") for p in (out / ".work").glob("journal-*.jsonl"))
        shards = (out / "data").glob("*.parquet")
        return lines + sum(int(pq.read_metadata(p).num_rows) for p in shards)
    except FileNotFoundError:
        return 0


def _reported(out: Path) -> set[tuple[str, str]]:
    """What a killed run had reported done: every row, once, in shards and whole journal lines."""
    if not (out / "data").exists():
        return set()
    found: list[tuple[str, str]] = []
    from agent.captions.store import read_rows

    shards = {p.stem.rpartition("-")[2] for p in (out / "data").glob("*.parquet")}
    if shards:
        found += [(row["id"], row["key"]) for row in read_rows(out, ("id", "key", "person"))
                  if row["person"] in ("", "P1")]  # fmt: skip
    for journal in (out / ".work").glob("journal-*.jsonl"):
        if journal.stem.rpartition("-")[2] in shards:
            continue
        lines = journal.read_bytes().split(b"\n")
        found += [(t["id"], t["key"]) for t in map(json.loads, lines[:-1])]
    if len(set(found)) != len(found):
        raise AssertionError(f"{Counter(found).most_common(1)} is there more than once")
    return set(found)


def _difference(expected: dict[Any, Any], got: dict[Any, Any]) -> str:
    lacking, extra = expected.keys() - got.keys(), got.keys() - expected.keys()
    other = [at for at in expected.keys() & got.keys() if expected[at] != got[at]]
    return f"lacking {sorted(lacking)[:3]}, extra {sorted(extra)[:3]}, other {sorted(other)[:3]}"


def cores(source: Path, counts: Sequence[int], more: Sequence[str]) -> list[tuple[int, float]]:
    """Clips a second with so many sensing processes, nothing remembered, start-up included."""
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            words = command(source, Path(folder) / "out", "--workers", str(count), *more)
            _run(words, DUCHENNE_CACHE=f"{folder}/cache")
            made = len({id for id, _ in rows(Path(folder) / "out")})
            found.append((count, round(made / (time.monotonic() - begun), 3)))
    return found


def ray(source: Path, out: Path, wanted: int, more: Sequence[str]) -> dict[str, Any]:
    """Rows of one machine, of Ray, and of Ray with sensing processes killed on the way."""
    here, there, shaken = (out / name for name in ("here", "ray", "shaken"))
    for folder in (here, there, shaken):
        shutil.rmtree(folder, ignore_errors=True)
    _run(command(source, here, *more))
    _run(command(source, there, "--engine", "ray", *more))
    expected, killed, begun = rows(here), 0, time.monotonic()
    if (got := rows(there)) != expected:
        raise AssertionError(f"other rows on Ray: {_difference(expected, got)}")
    run = subprocess.Popen(
        command(source, shaken, "--engine", "ray", *more),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    draw, mark = random.Random(0), 0
    while run.poll() is None:
        if killed < wanted and (now := _journalled(shaken)) > mark:
            mark = now + len(expected) // (wanted + 2)
            found = _children(run.pid, "ray::_Senser")
            if found:
                os.kill(draw.choice(found), signal.SIGKILL)
                killed += 1
        time.sleep(0.02)
    if (got := rows(shaken)) != expected:
        raise AssertionError(f"other rows after kills: {_difference(expected, got)}")
    return {
        "clips": len({id for id, _ in expected}), "rows": len(expected), "equal_on_ray": True,
        "sensing_processes_killed": killed, "equal_after_kills": True,
        "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def _children(pid: int, named: str) -> list[int]:
    """Processes below this one whose command line begins so."""
    parents, found = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_text(errors="replace")
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rpartition(")")[2].split()[1]
            )
        except (OSError, IndexError, ValueError):
            continue
        if line.startswith(named):
            found.append(int(folder.name))

    def below(one: int) -> bool:
        return one == pid or (one in parents and below(parents[one]))

    return [one for one in found if below(one)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one trial and print its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench_captions", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    trials = parser.add_subparsers(dest="trial", required=True)
    one = trials.add_parser("clips")
    one.add_argument("media", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--count", type=int, default=200)
    one.add_argument("--seed", type=int, default=0)
    one = trials.add_parser("kills")
    one.add_argument("clips", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--kills", type=int, default=100)
    one.add_argument("--within", type=int, default=40, help="new clips a run makes at most (40)")
    one = trials.add_parser("cores")
    one.add_argument("clips", type=Path)
    one.add_argument("--counts", type=int, nargs="+", default=[1, 2])
    one = trials.add_parser("ray")
    one.add_argument("clips", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--kills", type=int, default=6)
    asked, more = parser.parse_known_args(argv)
    more = [word for word in more if word != "--"]
    if asked.trial == "clips":
        print(len(clips(asked.media, asked.out, asked.count, asked.seed)))
    elif asked.trial == "kills":
        print(json.dumps(kills(asked.clips, asked.out, asked.kills, asked.within, more)))
    elif asked.trial == "ray":
        print(json.dumps(ray(asked.clips, asked.out, asked.kills, more)))
    else:
        print(json.dumps(cores(asked.clips, asked.counts, more)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
