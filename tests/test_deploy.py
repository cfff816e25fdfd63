"""The examples of docs/deploy and the commands of the documents: they parse, their flags exist."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.server import cli as server
from agent.vllm import cli as hosting

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "docs" / "deploy"


def understood(words: list[str]) -> Any:
    """What `duchenne WORDS…` reads its arguments as; exits where it does not know one."""
    read = {"serve": lambda rest: server.parser().parse_args(rest), "vllm": hosting.parsed}
    arguments = read[words[0]](words[1:])
    if getattr(arguments, "vllm", None):
        arguments.beside = hosting.parsed(shlex.split(arguments.vllm))
    return arguments


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return found


def pod() -> dict[str, Any]:
    found: dict[str, Any] = next(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    return found


def test_compose_starts_the_pair_that_belongs_together() -> None:
    vllm, ours = (understood(shlex.split(compose()[n]["command"])) for n in ("vllm", "duchenne"))
    assert ours.model == f"openai:{vllm.name}"
    assert ours.base_url == f"http://vllm:{vllm.port}/v1"
    assert str(vllm.ready) == compose()["vllm"]["healthcheck"]["test"][-1]
    assert ours.keys and ours.host == "0.0.0.0"
    assert "DUCHENNE_API_KEY" in compose()["vllm"]["environment"]


def test_the_pod_holds_together() -> None:
    spec = pod()["spec"]["template"]["spec"]
    held = {each["name"]: each for each in spec["containers"]}
    vllm, ours = (understood(held[name]["args"]) for name in ("vllm", "duchenne"))
    assert ours.base_url == f"http://{vllm.host}:{vllm.port}/v1"
    assert str(vllm.ready) == held["vllm"]["startupProbe"]["exec"]["command"][-1]
    volumes = {each["name"] for each in spec["volumes"]}
    for container in held.values():
        assert {each["name"] for each in container["volumeMounts"]} <= volumes
    _, service = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    assert service["spec"]["selector"] == pod()["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["ports"][0]["targetPort"] == held["duchenne"]["ports"][0]["name"]
    assert held["duchenne"]["ports"][0]["containerPort"] == ours.port


def test_images_of_both_examples_are_those_of_the_dockerfile() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\w+)", (DEPLOY / "Dockerfile").read_text(), re.M))
    used = {each["image"] for each in compose().values()}
    used |= {each["image"] for each in pod()["spec"]["template"]["spec"]["containers"]}
    assert used == {f"duchenne:{target}" for target in targets}


def test_the_unit_runs_the_server_with_its_vllm(tmp_path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names are cased
    unit.read(DEPLOY / "duchenne.service")
    words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(words[0]).name == "duchenne"
    assert understood(words[1:]).beside.python == "/opt/vllm/bin/python"
    if analyze := shutil.which("systemd-analyze"):
        copy = tmp_path / "duchenne.service"
        text = (DEPLOY / "duchenne.service").read_text()
        copy.write_text(text.replace("ExecStart=/opt/duchenne/bin/duchenne", "ExecStart=/bin/true"))
        done = subprocess.run(
            [analyze, "verify", copy], capture_output=True, text=True, check=False
        )
        assert "duchenne.service" not in done.stderr, done.stderr


def documented() -> Iterator[list[str]]:
    """Each `duchenne serve|vllm …` line of code in the documents."""
    for path in (ROOT / "docs" / "serving.md", ROOT / "docs" / "models.md", ROOT / "README.md"):
        for block in re.findall(r"```\w*\n(.*?)```", path.read_text(), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True) if line.startswith("duchenne ") else []
                if words[1:2] in (["serve"], ["vllm"]):
                    yield words[1:]


def test_every_documented_command_has_real_flags() -> None:
    lines = list(documented())
    assert {words[0] for words in lines} == {"serve", "vllm"}
    for words in lines:
        try:
            understood(words)
        except SystemExit:
            pytest.fail(f"duchenne {shlex.join(words)}")
