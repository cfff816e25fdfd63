"""vLLM's command, the checks before and after its start, and the tie; vLLM itself is not here."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import loopback
import pytest
from commands import duchenne

from agent.vllm import checkpoint, cli, command, probe
from agent.vllm import liveness as pulse
from agent.vllm.checkpoint import HostingError, Model
from agent.vllm.command import Hosting
from agent.vllm.probe import ProbeError, apart

STOCK = Hosting(Model("Qwen/Qwen3-VL-8B-Instruct", None, None), python="python")


def folder(path: Path, **files: dict[str, Any]) -> Path:
    """A folder with these JSON files."""
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content))
    return path


def flags(words: list[str], name: str) -> list[str]:
    """What follows a flag."""
    at = words.index(name) + 1
    rest = words[at:]
    return rest[: next((n for n, word in enumerate(rest) if word.startswith("--")), len(rest))]


# --- the command ----------------------------------------------------------------------------


def test_the_printed_command_has_its_limits_and_no_key() -> None:
    done = duchenne("vllm", "Qwen/Qwen3-VL-8B-Instruct", "--gpus", "2", "--print", "--",
                    "--dtype", "bfloat16", DUCHENNE_API_KEY="not-to-be-seen")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "not-to-be-seen" not in done.stdout
    for part in (
        "VLLM_PLUGINS=duchenne", "--allowed-media-domains nowhere.invalid",
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS=0", """--limit-mm-per-prompt '{"image": 16, "video": 0}'""",
        "--tensor-parallel-size 2", "--enable-prefix-caching", "--dtype bfloat16",
        "--host 127.0.0.1",
    ):  # fmt: skip
        assert part in done.stdout
    assert "--enable-lora" not in done.stdout


def test_an_adapter_takes_the_name_and_its_base_another(tmp_path: Path) -> None:
    told = {"r": 12, "target_modules": ["model.layers.0.q_proj", "v_proj"], "rank_pattern": {}}
    lora = checkpoint.adapter(folder(tmp_path / "lora", adapter_config=told))
    words = command.command(replace(STOCK, adapter=lora))
    assert flags(words, "--served-model-name") == ["duchenne-base"]
    assert flags(words, "--lora-modules") == [f"duchenne={tmp_path / 'lora'}"]
    assert flags(words, "--max-lora-rank") == ["16"]
    assert flags(words, "--lora-target-modules") == ["q_proj", "v_proj"]


def test_several_machines_get_their_commands(tmp_path: Path) -> None:
    held = folder(tmp_path / "model", config={"model_type": "duchenne"})
    done = duchenne("vllm", str(held), "--ray", "--gpus", "8", "--stages", "2", "--print")
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert "ray start --head" in lines[0]
    assert "ray start --address" in lines[1]
    assert all("RAY_AUTH_MODE=token" in line for line in lines)
    assert "--tensor-parallel-size 8 --pipeline-parallel-size 2" in lines[2]
    assert "--distributed-executor-backend ray" in lines[2]


# --- refused before anything is started -----------------------------------------------------


def test_what_cannot_be_served_is_said(tmp_path: Path) -> None:
    lora = folder(tmp_path / "lora", adapter_config={"r": 8, "modules_to_save": ["voice.summary"]})
    base = folder(tmp_path / "base", config={"model_type": "duchenne"})
    for words, code, reason in (
        ((str(tmp_path / "nowhere"),), 4, "there is no folder"),
        ((str(lora),), 4, "is an adapter: name its base model"),
        ((str(base), "--adapter", str(lora)), 4, "whole modules (voice.summary)"),
        ((str(base),), 4, "has no probe.json"),
        ((str(base), "--host", "0.0.0.0"), 2, "set DUCHENNE_API_KEY"),
        ((str(base), "--no-reference"), 4, "has no vLLM"),
        (("some/model", "--python", "/nowhere/python"), 4, "does not run"),
    ):
        done = duchenne("vllm", *words, DUCHENNE_API_KEY="")
        assert (done.returncode, reason in done.stderr) == (code, True), done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_serve_takes_vllm_or_a_model_and_says_why_not() -> None:
    for words, code, reason in (
        (("--vllm", "some/model", "--model", "openai:x"), 2, "leave --model and --base-url out"),
        (("--vllm", "/nowhere/model"), 4, "there is no folder"),
    ):
        done = duchenne("serve", *words)
        assert (done.returncode, reason in done.stderr) == (code, True), done.stderr


# --- the probe ------------------------------------------------------------------------------

PROMPT: dict[str, Any] = {"messages": [{"role": "user", "content": "Why?"}]}


def top(**values: float) -> list[dict[str, Any]]:
    return [{"token": name, "id": ord(name), "logprob": value} for name, value in values.items()]


def test_a_missing_token_is_as_far_as_it_must_be_at_least() -> None:
    one, other = {1: -1.0, 2: -2.0, 3: -3.0}, {1: -1.5, 2: -2.0, 4: -2.9}
    assert apart(one, one) == 0
    assert apart(one, other) == 0.5
    assert apart({1: -0.1, 2: -5.0}, {3: -0.1, 2: -5.0}) == pytest.approx(4.9)


class Host:
    """A vLLM that says the same first tokens whatever it is asked, by model."""

    def __init__(self, **by_model: list[dict[str, Any]]) -> None:
        self._by_model = by_model

    def __call__(self, request: dict[str, Any]) -> tuple[int, Any]:
        rows = [
            {"token": f"token_id:{row['id']}", "logprob": row["logprob"]}
            for row in self._by_model[request["model"].replace("-", "_")]
        ]
        return 200, {"choices": [{"logprobs": {"content": [{"top_logprobs": rows}]}}]}


def proved(host: Host, hosting: Hosting, *prompts: dict[str, Any]) -> list[str]:
    """What `prove` says of a host on loopback."""
    told = probe.Reference(prompts, 0.01, Path("probe.json")) if prompts else None
    with loopback.host(host) as open_:
        port = int(open_.url.split(":")[2].split("/")[0])
        return asyncio.run(probe.prove(replace(hosting, port=port), "key", told))


def with_adapter(tmp_path: Path) -> Hosting:
    return replace(STOCK, adapter=checkpoint.Adapter(tmp_path, 8, (), None))


def test_an_adapter_that_does_nothing_is_found_out(tmp_path: Path) -> None:
    same, other = top(a=-1.0, b=-2.0), top(a=-1.4, b=-1.9)
    hosting = with_adapter(tmp_path)
    with pytest.raises(ProbeError, match="the adapter changes nothing"):
        proved(Host(duchenne=same, duchenne_base=same), hosting)
    lines = proved(Host(duchenne=same, duchenne_base=other), hosting)
    assert lines == ["the adapter moves log-probabilities by up to 0.40"]


def test_the_reason_tells_the_bridge_from_the_weights() -> None:
    right, off = top(a=-1.0, b=-2.0), top(a=-1.5, b=-1.5)
    words = PROMPT | {"name": "text", "top": right}
    voice = PROMPT | {"name": "voice", "top": off, "unheard": right}
    host = Host(duchenne=right)
    assert "1 prompts have the log-probabilities" in proved(host, STOCK, words)[0]
    with pytest.raises(ProbeError, match=r"voices are not heard.*voice by 0\.5"):
        proved(host, STOCK, words, voice)
    with pytest.raises(ProbeError, match="weights or adapter are not those"):
        proved(host, STOCK, words | {"top": off}, voice)
    with pytest.raises(ProbeError, match="nothing could prove the bridge"):
        proved(host, STOCK, voice | {"top": right})


def test_a_server_without_the_bridge_takes_a_damaged_voice_picture() -> None:
    hosting = replace(STOCK, model=Model("ours", "duchenne", None))
    with pytest.raises(ProbeError, match="the bridge is not loaded"):
        proved(Host(duchenne=top(a=-1.0)), hosting)


def test_a_reference_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "probe.json"
    for text in ("", "{}", '{"version": 2}', '{"version": 1, "prompts": [{}]}', "[]"):
        path.write_text(text)
        with pytest.raises(ProbeError, match=r"probe\.json"):
            probe.reference(path)
    path.write_text(json.dumps({"version": 1, "dtype": "bfloat16", "prompts": []}))
    assert probe.reference(path).allowed == probe.ALLOWED["bfloat16"]
    assert probe.reference(path, 0.5).allowed == 0.5


# --- the pulse ------------------------------------------------------------------------------


class Engine:
    """Answers at once, or keeps everybody waiting; may go on making tokens for others."""

    def __init__(self) -> None:
        self.stuck, self.busy, self.made = False, False, 0

    def __call__(self, _: dict[str, Any]) -> tuple[int, Any]:
        while self.stuck:
            time.sleep(0.02)
        return loopback.said("x")

    def metrics(self) -> str:
        self.made += self.busy
        return f'vllm:generation_tokens_total{{model_name="m"}} {self.made}.0\n'


def test_a_vllm_that_makes_no_token_is_stuck_and_a_busy_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, seconds in (("TICK", 0.05), ("IDLE", 0.3), ("LATE", 0.3)):
        monkeypatch.setattr(pulse, name, seconds)
    engine = Engine()

    async def run(url: str) -> None:
        told: list[bool] = []
        port = int(url.rpartition(":")[2].partition("/")[0])
        watched = pulse.Pulse(replace(STOCK, port=port, silence=1.0), None)
        stops = asyncio.create_task(watched.stops(told.append))
        await asyncio.sleep(1.0)
        assert not any(told) and not stops.done()
        engine.stuck = engine.busy = True
        await asyncio.sleep(3.0)
        assert not stops.done()
        engine.busy, began = False, time.monotonic()
        assert await asyncio.wait_for(stops, 20) == "no token in 1 s"
        assert told[-1] and time.monotonic() - began > 0.9
        engine.stuck = False

    with loopback.host(engine, metrics=engine.metrics) as host:
        asyncio.run(run(host.url))


# --- the tie --------------------------------------------------------------------------------

FAMILY = "import subprocess,sys,time; print(subprocess.Popen(['sleep','600']).pid, file=sys.stderr, flush=True); time.sleep(600)"  # noqa: E501


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_what_is_tied_ends_with_whoever_began_it(how: str) -> None:
    """With all that it began, also where the tie itself is killed with its parent."""
    parent = f"""
import subprocess, sys
tie = subprocess.Popen([sys.executable, "-m", "agent.vllm.tied", sys.executable, "-c",
                        {FAMILY!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
print(tie.stdout.readline().strip(), flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stdin and process.stderr
    pids = [int(process.stdout.readline()), int(process.stderr.readline())]
    assert all(map(_alive, pids))
    if how == "closed":
        process.stdin.close()
    else:
        process.send_signal(signal.SIGKILL)
    process.wait(10)
    until = time.monotonic() + 10
    while any(map(_alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(_alive, pids))


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_flags_after_two_dashes_are_vllms() -> None:
    arguments = cli.parsed(["some/model", "--gpus", "2", "--", "--dtype", "float32"])
    hosting = cli.asked(arguments)
    assert hosting.more == ("--dtype", "float32")
    assert command.command(hosting)[-2:] == ["--dtype", "float32"]
    with pytest.raises(HostingError, match="at least 1"):
        cli.asked(cli.parsed(["some/model", "--gpus", "0"]))
    assert "DUCHENNE_API_KEY" not in command.environment(
        "k", os.environ | {"DUCHENNE_API_KEY": "k"}
    )
