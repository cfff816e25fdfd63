"""What the server adds to a call of its language model's host, in one run.

    python -m eval.bench_server --clip CLIP [--litellm BIN/litellm] [--rounds N] [--json FILE]

The same host (`eval.serving.standin`, on this machine, answering at once) is asked in turn:
directly; through LiteLLM's proxy; and by `duchenne serve`, whose evidence of the clip is known.
Direct and proxied requests are a copy of one that the server sent: the same messages with the
same pictures, and the same without them. A question to the server is several calls of the host
with the agent's steps between them; three parts of its time are told apart by the server's own
log: the host, the agent, and the HTTP layer around both (waiting for the answer, less the time
the agent thinks), which is what can be compared to a proxy.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx

from eval.serving.standin import NAME
from eval.serving.started import Started, question, server, share, standin, uploaded

Json = dict[str, Any]
CHAT: Final = "/v1/chat/completions"
PROXY_PORT: Final = 14000


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    top = argparse.ArgumentParser(prog="python -m eval.bench_server")
    top.add_argument("--clip", type=Path, required=True)
    top.add_argument("--litellm", type=Path, help="the proxy's command, in its own environment")
    top.add_argument("--rounds", type=int, default=60)
    top.add_argument("--json", type=Path)
    asked = top.parse_args(argv)
    found = measured(asked.clip, asked.litellm, asked.rounds)
    print(table(found))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def measured(clip: Path, litellm: Path | None, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each kind of request, one a round, all kinds in turn."""
    with ExitStack() as held:
        host = held.enter_context(standin())
        ours = held.enter_context(
            server("--model", f"openai:{NAME}", "--base-url", f"{host.url}/v1")
        )
        http = held.enter_context(httpx.Client(base_url=ours.url, timeout=120))
        direct = held.enter_context(httpx.Client(base_url=host.url, timeout=120))
        file = uploaded(http, clip)
        _posted(http, question(file))
        whole = direct.get("/last").json()
        bare = _without_pictures(whole)
        kinds: dict[str, Callable[[], float]] = {
            "direct": lambda: _timed(direct, whole),
            "direct, no pictures": lambda: _timed(direct, bare),
        }
        if litellm is not None:
            key = f"sk-{secrets.token_hex(16)}"
            proxied = _proxy(litellm, host, key, held)
            head = {"Authorization": f"Bearer {key}"}
            proxy = held.enter_context(
                httpx.Client(base_url=proxied.url, headers=head, timeout=120)
            )
            kinds["LiteLLM"] = lambda: _timed(proxy, whole)
            kinds["LiteLLM, no pictures"] = lambda: _timed(proxy, bare)
        kinds["ours, rules"] = lambda: _timed(http, question(file, "duchenne-rules"))
        kinds["ours, model"] = lambda: _timed(http, question(file))
        for ask in kinds.values():
            ask()
            ask()
        print(f"{rounds} rounds begin", file=sys.stderr, flush=True)
        found: dict[str, list[float]] = {name: [] for name in kinds}
        streams: list[tuple[float, float, float]] = []
        for _ in range(rounds):
            for name, ask in kinds.items():
                found[name].append(ask())
            streams.append(_streamed(http, question(file, stream=True)))
        time.sleep(1)  # the log's last row
        # Three questions a round; those before were to warm up.
        rows = [row for row in ours.rows() if row.get("route") == CHAT][-3 * rounds :]
    return found | _parts(rows, found) | _firsts(streams)


def table(found: dict[str, list[float]]) -> str:
    """Median and 95th percentile in milliseconds, overheads over the direct call beside."""
    lines = [f"{'':34}{'p50':>9}{'p95':>9}{'over direct, p50':>18}{'p95':>9}"]
    for name, values in found.items():
        line = f"{name:34}{share(values, 0.5):9.1f}{share(values, 0.95):9.1f}"
        base = found["direct, no pictures" if "no pictures" in name else "direct"]
        if name.startswith("LiteLLM"):
            over = [value - one for value, one in zip(values, base, strict=True)]
            line += f"{share(over, 0.5):18.1f}{share(over, 0.95):9.1f}"
        lines.append(line)
    return "\n".join(lines)


def _parts(rows: Sequence[Json], found: dict[str, list[float]]) -> dict[str, list[float]]:
    """The server's time by part. The log has one row for each unstreamed and streamed question."""
    parts: dict[str, list[float]] = {}
    walls = {"duchenne": iter(found["ours, model"]), "duchenne-rules": iter(found["ours, rules"])}
    for row in rows:
        if row["stream"]:
            continue
        kind = "rules" if row["model"].endswith("rules") else "model"
        wall, spent = next(walls[row["model"]]), row["spent"]
        think, model = spent["think_ms"], spent["model_ms"]
        parts.setdefault(f"  {kind}: HTTP layer", []).append(wall - think)
        parts.setdefault(f"  {kind}: agent", []).append(think - model)
        if kind == "model":
            parts.setdefault("  model: host", []).append(model)
    return parts


def _firsts(streams: Sequence[tuple[float, float, float]]) -> dict[str, list[float]]:
    names = ("stream: first byte", "stream: first step", "stream: first word of the answer")
    return {name: [one[n] for one in streams] for n, name in enumerate(names)}


def _timed(client: httpx.Client, body: Json) -> float:
    began = time.perf_counter()
    _posted(client, body)
    return 1000 * (time.perf_counter() - began)


def _posted(client: httpx.Client, body: Json) -> Json:
    answer: Json = client.post(CHAT, json=body).raise_for_status().json()
    return answer


def _streamed(client: httpx.Client, body: Json) -> tuple[float, float, float]:
    """Milliseconds to the first byte, to the first step of the agent, to the first word."""
    began = time.perf_counter()
    first: dict[str, float] = {}
    with client.stream("POST", CHAT, json=body) as answer:
        for line in answer.iter_lines():
            now = 1000 * (time.perf_counter() - began)
            first.setdefault("byte", now)
            if line.startswith("data: {"):
                choices = json.loads(line[6:])["choices"]
                delta = choices[0]["delta"] if choices else {}
                for kind in ("reasoning", "content"):
                    if delta.get(kind):
                        first.setdefault(kind, now)
    return first["byte"], first["reasoning"], first["content"]


def _without_pictures(body: Json) -> Json:
    def plain(message: Json) -> Json:
        parts = message["content"]
        if isinstance(parts, str):
            return message
        return {**message, "content": [one for one in parts if one["type"] == "text"]}

    return {**body, "messages": [plain(message) for message in body["messages"]]}


def _proxy(command: Path, host: Started, key: str, held: ExitStack) -> Started:
    """LiteLLM's proxy before the host, in its plainest settings: one key, no data base."""
    known = {"model": f"openai/{NAME}", "api_base": f"{host.url}/v1", "api_key": "none"}
    config = host.folder / "litellm.json"
    config.write_text(json.dumps({"model_list": [{"model_name": NAME, "litellm_params": known}]}))
    words = [str(command), "--config", str(config), "--port", str(PROXY_PORT)]
    quiet = {
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
    }
    proxy = Started([*words, "--host", "127.0.0.1", "--num_workers", "1"], PROXY_PORT, quiet)
    held.callback(proxy.end)
    return proxy.until("/health/liveliness")


if __name__ == "__main__":
    sys.exit(main())
