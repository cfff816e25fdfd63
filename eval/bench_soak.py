"""Whether the server keeps its promises for a quarter of an hour at its knee.

    python -m eval.bench_soak --clip CLIP [--minutes 15] [--json FILE]

First a short ramp finds the knee: the fewest clients at once with nine tenths of the most
answers a second. Then so many clients ask, stream, read slowly, go away in the middle, send
clips of their own, begin and end conversations, while the language model's host is killed and
begun again every 45 s. Every request must end in an answer or in a refusal that the protocol
knows; memory, handles and processes must stay flat; what was kept before must be there after.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx

from agent.util import process
from eval.serving.standin import NAME
from eval.serving.started import Started, question, server, share, uploaded

Json = dict[str, Any]
CHAT: Final = "/v1/chat/completions"
KILL_EVERY, DOWN_FOR = 45.0, 4.0
"""Seconds."""
TOLD: Final = frozenset({"overloaded", "model_unreachable", "model_refused", "model_timeout",
                         "too_many_requests", "deadline_exceeded"})  # fmt: skip
"""Refusals that a client can act on; any other is a fault."""
SLOW: Final = 0.05
RAMP: Final = (1, 2, 3, 4, 6, 8)
RAMP_SECONDS: Final = 12.0


@dataclass(slots=True)
class Tally:
    """What became of all requests."""

    ends: Counter[str] = field(default_factory=Counter)
    """Number by kind of request and how it ended."""
    faults: list[str] = field(default_factory=list)
    """Ends that no client can make sense of."""
    seconds: list[float] = field(default_factory=list)
    """Of plain questions that were answered."""

    @property
    def answers(self) -> int:
        """Requests that ended in what was asked for."""
        return sum(n for kind, n in self.ends.items() if ":" not in kind)


class Trial:
    """One server with its host and one clip, asked in every way."""

    def __init__(self, http: httpx.Client, file: str, small: bytes) -> None:
        self._http, self._file = http, file
        self._inline = "data:video/mp4;base64," + base64.b64encode(small).decode()
        self._alone = threading.Lock()
        self.tally = Tally()

    def plain(self) -> None:
        """One question to the model."""
        began = time.monotonic()
        if self._told("plain", self._http.post(CHAT, json=question(self._file))):
            self.tally.seconds.append(time.monotonic() - began)

    def rules(self) -> None:
        self._told("rules", self._http.post(CHAT, json=question(self._file, "duchenne-rules")))

    def inline(self) -> None:
        """A clip in the request: a decoder of its own."""
        parts = [{"type": "video_url", "video_url": {"url": self._inline}},
                 {"type": "text", "text": "Who is it?"}]  # fmt: skip
        messages = [{"role": "user", "content": parts}]
        body = {"model": "duchenne-rules", "messages": messages}
        self._told("inline", self._http.post(CHAT, json=body))

    def talk(self) -> None:
        """Two questions in a conversation, then its end."""
        first = self._http.post(CHAT, json=question(self._file, conversation="new"))
        if not self._told("talk", first):
            return
        kept = first.json()["duchenne"]["conversation"]
        again = {"model": "duchenne", "conversation": kept,
                 "messages": [{"role": "user", "content": "And why?"}]}  # fmt: skip
        self._told("talk", self._http.post(CHAT, json=again))
        gone = self._http.delete(f"/v1/conversations/{kept}")
        self._count("talk deleted", gone.status_code == 200, gone.text)

    def stream(self, pause: float = 0.0) -> None:
        """A stream to its end; with a pause between reads, a slow reader."""
        kind = "slow reader" if pause else "stream"
        with self._http.stream("POST", CHAT, json=question(self._file, stream=True)) as answer:
            if answer.status_code != 200:
                answer.read()
                self._told(kind, answer)
                return
            text = ""
            for piece in answer.iter_text():
                text += piece
                time.sleep(pause)
        rows = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
        failed = [json.loads(row)["error"]["code"] for row in rows if row.startswith('{"error"')]
        ended = rows[-1:] == ["[DONE]"] and rows.count("[DONE]") == 1
        if failed and failed[0] in TOLD and ended:
            self._count(f"{kind}: {failed[0]}", True, "")
        else:
            self._count(
                kind, ended and not failed and '"finish_reason":"stop"' in text, text[-300:]
            )

    def leave(self) -> None:
        """A client that goes away without a word."""
        try:
            self._http.post(
                CHAT, json=question(self._file), timeout=random.choice((0.02, 0.1, 0.3))
            )
            self._count("left: too late", True, "")
        except httpx.TimeoutException:
            self._count("left", True, "")

    def ways(self) -> list[Callable[[], None]]:
        """The mix: each way as often as it is named."""
        slow: Callable[[], None] = lambda: self.stream(0.03)  # noqa: E731
        return [self.plain, self.plain, self.rules, self.inline, self.talk, self.stream, slow,
                self.leave]  # fmt: skip

    def _told(self, kind: str, answer: httpx.Response) -> bool:
        """Count an answer or a refusal; whether it was an answer."""
        if answer.status_code == 200:
            self._count(kind, bool(answer.json()["choices"][0]["message"]["content"]), answer.text)
            return True
        code = answer.json().get("error", {}).get("code", "none")
        can_retry = answer.status_code not in (429, 503) or "retry-after" in answer.headers
        self._count(f"{kind}: {code}", code in TOLD and can_retry, answer.text[:300])
        if code == "overloaded":
            time.sleep(1.0)
        return False

    def _count(self, kind: str, fine: bool, said: str) -> None:
        with self._alone:
            self.tally.ends[kind] += 1
            if not fine:
                self.tally.faults.append(f"{kind}: {said}")

    def fault(self, error: Exception) -> None:
        self._count(f"broken: {type(error).__name__}", False, str(error))


def run(trial: Trial, clients: int, seconds: float, ways: Sequence[Callable[[], None]]) -> float:
    """So many clients at once; answers a second."""
    until = time.monotonic() + seconds
    before = trial.tally.answers

    def client(number: int) -> None:
        chance = random.Random(number)
        while time.monotonic() < until:
            try:
                chance.choice(ways)()
            except (httpx.HTTPError, ValueError, KeyError, IndexError) as error:
                trial.fault(error)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (trial.tally.answers - before) / seconds


class Host:
    """The language model's host, killed and begun again at the same port until told to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self.kills = 0
        self._now = self._begun(0)
        self.port, self.url = self._now.port, self._now.url

    def _begun(self, port: int) -> Started:
        words = process.python("eval.serving.standin", "--slow", str(SLOW))
        return Started([*words, "--port", str(port)])

    def plague(self) -> None:
        while not self._stop.wait(KILL_EVERY):
            self._now.kill()
            self.kills += 1
            self._stop.wait(DOWN_FOR)
            with suppress(RuntimeError):  # the machine stood still: the next round tries again
                self._now = self._begun(self.port)

    def end(self) -> None:
        self._stop.set()
        self._now.end()


class Gauge:
    """What the server and its children use, every few seconds."""

    def __init__(self, pid: int) -> None:
        self._pid, self._stop = pid, threading.Event()
        self.rows: list[Json] = []

    def watch(self) -> None:
        began = time.monotonic()
        while not self._stop.wait(3.0):
            self.rows.append({"at": round(time.monotonic() - began, 1), **self.now()})

    def now(self) -> Json:
        own = _resident(self._pid)
        children = _children(self._pid)
        return {
            "rss_mib": round(own, 1),
            "children_mib": round(sum(map(_resident, children)), 1),
            "children": len(children),
            "handles": len(list(Path(f"/proc/{self._pid}/fd").iterdir())),
            "load": os.getloadavg()[0],
        }

    def end(self) -> None:
        self._stop.set()


def _resident(pid: int) -> float:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0.0
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def knee(trial: Trial) -> tuple[int, Json]:
    """Clients at once at the knee, and answers a second by clients."""
    rates = {n: run(trial, n, RAMP_SECONDS, trial.ways()) for n in RAMP}
    enough = 0.9 * max(rates.values())
    return min(n for n, rate in rates.items() if rate >= enough), {
        str(n): round(rate, 2) for n, rate in rates.items()
    }


def soaked(clip: Path, small: Path, minutes: float) -> Json:
    """The whole trial; see the module's text."""
    with ExitStack() as held:
        host = Host()
        held.callback(host.end)
        ours = held.enter_context(
            server(
                "--model",
                f"openai:{NAME}",
                "--base-url",
                f"{host.url}/v1",
                "--slots",
                "2",
                "--queue",
                "4",
                "--in-flight",
                "64",
                "--deadline",
                "60",
            )
        )
        http = held.enter_context(httpx.Client(base_url=ours.url, timeout=300))
        file = uploaded(http, clip)
        trial = Trial(http, file, small.read_bytes())
        trial.plain()
        kept = http.post(CHAT, json=question(file, conversation="new", text="Remember me?"))
        talk = kept.json()["duchenne"]["conversation"]
        clients, rates = knee(trial)
        print(f"knee: {clients} clients; answers a second by clients: {rates}", flush=True)
        ramp, trial.tally = trial.tally, Tally()
        gauge = Gauge(ours.pid)
        held.callback(gauge.end)
        for task in (host.plague, gauge.watch):
            threading.Thread(target=task, daemon=True).start()
        rate = run(trial, clients, 60 * minutes, trial.ways())
        host.end()
        gauge.end()
        time.sleep(5)
        return {
            "minutes": minutes,
            "clients": clients,
            "ramp": rates,
            "ramp_faults": ramp.faults[:20],
            "requests": sum(trial.tally.ends.values()),
            "answers_a_second": round(rate, 2),
            "ends": dict(sorted(trial.tally.ends.items())),
            "faults": trial.tally.faults[:20],
            "number_of_faults": len(trial.tally.faults),
            "kills_of_the_host": host.kills,
            "p50_s": round(share(trial.tally.seconds, 0.5), 3),
            "p95_s": round(share(trial.tally.seconds, 0.95), 3),
            "after": _after(http, file, talk, ours) | gauge.now(),
            "gauge": gauge.rows,
        }


def _after(http: httpx.Client, file: str, talk: str, ours: Started) -> Json:
    """What was kept before is there, nothing else is, and nobody is left at work."""
    asked = {"model": "duchenne-rules", "conversation": talk,
             "messages": [{"role": "user", "content": "And what did I ask before?"}]}  # fmt: skip
    again = http.post(CHAT, json=asked)
    found = http.get(f"/v1/files/{file}").status_code == 200
    homes = list(ours.folder.glob("duchenne-serve-*/*"))
    metrics = http.get("/metrics").text
    running = next(line for line in metrics.splitlines() if line.startswith("duchenne_running"))
    return {
        "upload is there": found,
        "conversation answers": again.status_code == 200,
        "conversations left": sum(len(list(h.glob("conversations/conv-*"))) for h in homes),
        "scratch left": sum(len(list(h.glob("scratch/*"))) for h in homes),
        "running": float(running.split()[1]),
        "ready": http.get("/livez").status_code == 200,
    }


def table(found: Json) -> str:
    """What the trial came to, in lines."""
    rows = found["gauge"]
    third = max(1, len(rows) // 3)

    def middle(part: Sequence[Json], what: str) -> float:
        return share([row[what] for row in part], 0.5)

    lines = [
        f"{found['minutes']:g} minutes, {found['clients']} clients, "
        f"{found['requests']} requests ({found['answers_a_second']} answers a second), "
        f"host killed {found['kills_of_the_host']} times, "
        f"load of the machine {middle(rows, 'load'):.1f}",
        f"plain questions: p50 {found['p50_s']} s, p95 {found['p95_s']} s",
        f"faults: {found['number_of_faults']}",
    ]
    stood = max((b["at"] - a["at"] for a, b in pairwise(rows)), default=0.0)
    lines.append(f"the machine itself stood still for {stood - 3:.0f} s at most")
    for what in ("rss_mib", "children_mib", "children", "handles"):
        first, last = middle(rows[:third], what), middle(rows[-third:], what)
        lines.append(f"{what}: first third {first:g}, last third {last:g}")
    lines += [f"  {n:6} {kind}" for kind, n in found["ends"].items()]
    lines += [f"after: {json.dumps(found['after'])}", *found["faults"]]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run it, print the table; 1 where something was lost."""
    top = argparse.ArgumentParser(prog="python -m eval.bench_soak")
    top.add_argument("--clip", type=Path, required=True, help="uploaded once, asked about often")
    top.add_argument("--small", type=Path, help="sent along with questions (the same)")
    top.add_argument("--minutes", type=float, default=15.0)
    top.add_argument("--json", type=Path)
    asked = top.parse_args(argv)
    found = soaked(asked.clip, asked.small or asked.clip, asked.minutes)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(table(found))
    return 1 if found["number_of_faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
