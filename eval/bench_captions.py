"""Captioning under load and under the axe, on clips cut from real ones.

    python -m eval.bench_captions clips MEDIA OUT [--count 200]     cut clips of 1 to 3 s
    python -m eval.bench_captions kills CLIPS OUT [--kills 100]     kill -9 at random moments
    python -m eval.bench_captions cores CLIPS                       sensing on 1, 2, … cores
    python -m eval.bench_captions load CLIPS --model M --base-url U   against a bare loader

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
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

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
    from agent.senses.samples import Frame

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
    return [sys.executable, "-m", "agent.cli", "caption", str(source), "--out", str(out), *more]


def kills(source: Path, out: Path, wanted: int, most: int, more: Sequence[str]) -> dict[str, Any]:
    """Kill runs at random moments; each time one comes to its end, compare and begin anew.

    A run is killed up to half a second after so many new clips, from none to `most`: moments by
    the clock would all lie in the start of Python on a busy machine.
    """
    calm = out / "undisturbed"
    shutil.rmtree(calm, ignore_errors=True)
    subprocess.run(command(source, calm, *more), check=True, capture_output=True)
    expected = rows(calm)
    draw, begun = random.Random(int(time.time())), time.monotonic()
    killed, ended, at = 0, 0, Counter[str]()
    shaken = out / "shaken"
    shutil.rmtree(shaken, ignore_errors=True)
    reported: set[tuple[str, str]] = set()
    while killed < wanted or not ended:
        process = subprocess.Popen(
            command(source, shaken, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
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
        if time.monotonic() - gone > 300:
            raise AssertionError("a run came no further for five minutes")
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
            subprocess.run(
                command(source, Path(folder) / "out", "--workers", str(count), *more),
                check=True,
                capture_output=True,
                env=os.environ | {"DUCHENNE_CACHE": f"{folder}/cache"},
            )
            made = len({id for id, _ in rows(Path(folder) / "out")})
            found.append((count, round(made / (time.monotonic() - begun), 3)))
    return found


def load(source: Path, model: str, url: str, in_flight: int, rounds: int) -> dict[str, Any]:
    """Requests a second that captioning gets out of a host, against a bare loader.

    All clips are sensed first: the question is what the calls cost, and the host may share this
    machine. Then, in turn, so many rounds each: the same clips' rows through the engine, and the
    requests it had sent through as many threads that do nothing else. The replies are the same,
    so the work of the host is.
    """
    tasks, sensed = _sensed(source, model, url)
    _, asked = _through(tasks, sensed, in_flight)  # warms the host
    ours, bare = [], []
    for number in range(2 * rounds):
        if number % 4 in (0, 3):  # bare, ours, ours, bare: what drifts favours neither
            bare.append(_bare(url, asked, in_flight))
        else:
            ours.append(_through(tasks, sensed, in_flight)[0])
    return {
        "clips": len(tasks),
        "requests": len(asked),
        "ours_per_s": [round(v, 3) for v in ours],
        "bare_per_s": [round(v, 3) for v in bare],
        "share": round(sum(1 / v for v in bare) / sum(1 / v for v in ours), 3),
    }


class _Heard:
    """A host whose requests are kept as they come in."""

    def __init__(self, host: Any, asked: list[Any]) -> None:
        self._host, self._asked = host, asked
        self.name, self.lacks = host.name, host.lacks

    def complete(self, messages: Any, schema: Any) -> Any:
        self._asked.append((messages, schema))
        return self._host.complete(messages, schema)


class _Ahead:
    """Sensing that is done already."""

    def __init__(self, sensed: dict[str, Any]) -> None:
        self._sensed = sensed

    def run(self, _: str, task: Any) -> Any:
        return self._sensed[task.sample.id]

    def close(self) -> None:
        pass


def _sensed(source: Path, model: str, url: str) -> tuple[list[Any], dict[str, Any]]:
    """Tasks of a folder of clips, and what the senses made of each, by id."""
    from agent.captions import stages
    from agent.captions.plan import Plan, sensing_versions
    from agent.captions.sources import Source, samples

    plan = Plan(
        model=model, base_url=url, revision="bench", sensing=sensing_versions(), calls="one",
        look_closer=False,
    )  # fmt: skip
    tasks = [
        stages.Task(sample, sha256 := sample.sha256(), plan.key(sha256, {}), plan, Path())
        for sample in samples(Source(str(source)))
    ]
    return tasks, {task.sample.id: stages.sense(task) for task in tasks}


def _through(tasks: list[Any], sensed: dict[str, Any], in_flight: int) -> tuple[float, list[Any]]:
    """Requests a second from the first one to the last row, and their bodies."""
    from agent.captions.engine import Local
    from agent.captions.flow import Flow, Paced
    from agent.model import Language, connect

    plan, asked = tasks[0].plan, list[Any]()
    thinker = connect(plan.model, plan.base_url)
    assert isinstance(thinker, Language)
    host: Any = thinker.host
    thinker.host = _Heard(Paced(host, Flow(in_flight)), asked)
    engine = Local(plan, lambda: thinker, 0, in_flight)
    engine._workers = _Ahead(sensed)  # type: ignore[assignment]  # the same two methods
    begun = time.monotonic()
    made = list(engine.run(iter(tasks)))
    gone = time.monotonic() - begun
    engine.close()
    print(Counter("row" if one.failure is None else one.failure.error for one in made),
          file=sys.stderr)  # fmt: skip
    return len(asked) / gone, [host.body(*one, host.lacks) for one in asked]


def _bare(url: str, asked: list[Any], in_flight: int) -> float:
    """The same requests as fast as the host takes them; returns requests a second."""
    from concurrent.futures import ThreadPoolExecutor

    import httpx

    with (
        httpx.Client(timeout=600, limits=httpx.Limits(max_connections=in_flight)) as client,
        ThreadPoolExecutor(in_flight) as threads,
    ):
        begun = time.monotonic()
        for reply in threads.map(lambda b: client.post(f"{url}/chat/completions", json=b), asked):
            reply.raise_for_status()
        return len(asked) / (time.monotonic() - begun)


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
    one = trials.add_parser("load")
    one.add_argument("clips", type=Path)
    one.add_argument("--model", required=True)
    one.add_argument("--base-url", required=True)
    one.add_argument("--in-flight", type=int, default=16)
    one.add_argument("--rounds", type=int, default=2)
    asked, more = parser.parse_known_args(argv)
    more = [word for word in more if word != "--"]
    if asked.trial == "clips":
        print(len(clips(asked.media, asked.out, asked.count, asked.seed)))
    elif asked.trial == "kills":
        print(json.dumps(kills(asked.clips, asked.out, asked.kills, asked.within, more)))
    elif asked.trial == "load":
        found = load(asked.clips, asked.model, asked.base_url, asked.in_flight, asked.rounds)
        print(json.dumps(found))
    else:
        print(json.dumps(cores(asked.clips, asked.counts, more)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
