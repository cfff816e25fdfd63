"""From a training to the page: a checkpoint that was taught, exported, served by vLLM, and asked.

DUCHENNE_VLLM=~/vllm-env DUCHENNE_BRIDGE=~/bridge-env \
    python -m pytest -m "vllm and slow" tests/test_vllm_page.py -s

needs both environments (tests/vllm_setup.sh, tests/bridge_setup.sh) and a Chromium
(tests/browser_setup.sh); DUCHENNE_TAUGHT names a folder that is exported already, DUCHENNE_SHOTS
one for pictures of the page. The model has the example's answers by heart
(finetune/recipes/tiny-steps-sft.yaml): what is proven is the way from weights to page, and
nothing about reading people.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import in_browser as web
import pytest
import served
import vllm_host

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(3600)]

RECIPE = "finetune/recipes/tiny-steps-sft.yaml"
QUESTION = "What does she feel, and why?"


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported folder; made here by the commands of docs/serving.md, minutes of one core."""
    if ready := os.environ.get("DUCHENNE_TAUGHT"):
        return Path(ready).expanduser()
    if not (folder := os.environ.get("DUCHENNE_BRIDGE")):
        pytest.skip("DUCHENNE_BRIDGE names no environment; make one with tests/bridge_setup.sh")
    python = str(Path(folder).expanduser() / "bin" / "python")
    train = [python, "-m", "agent.cli.main", "train"]
    made = tmp_path_factory.mktemp("taught")
    words = ["sft", RECIPE, "--set", f"model={made / 'base'}", "--set", f"out={made / 'sft'}"]
    subprocess.run([*train, *words], cwd=served.ROOT, check=True)
    (checkpoint,) = (made / "sft").glob("checkpoint-*")
    subprocess.run(
        [*train, "export", str(checkpoint), "--out", str(made / "out")], cwd=served.ROOT, check=True
    )
    return made / "out"


@pytest.fixture(scope="module")
def pair(taught: Path) -> Iterator[served.Served]:
    """`duchenne serve --vllm`, ready: vLLM is up and proven to serve what was exported."""
    os.environ |= vllm_host.QUIET
    words = f"{taught} --python {vllm_host.python()} --max-len 8192"
    words += " -- --dtype float32 --enforce-eager --max-num-seqs 4"
    server = served.Served("--vllm", words, "--deadline", "280")
    until = time.monotonic() + 600
    while server.get("/readyz").status_code != 200:
        assert server.process.poll() is None and time.monotonic() < until, server.log[-3000:]
        time.sleep(1)
    yield server
    assert server.end() == 0


@pytest.fixture(scope="module")
def answered(pair: served.Served) -> Iterator[Any]:
    """The page, with the example looked at and the question answered by the model."""
    with web.chromium() as browser:
        page = web.opened(browser, pair.url)
        web.looked(page, web.EXAMPLE, web.SUBTITLES)
        web.answered(page, QUESTION, 270)
        yield page
        assert page.faults == []


def told(pair: served.Served, model: str) -> Any:
    """The same question over HTTP."""
    (clip,) = pair.get("/v1/files").json()["data"]
    asked = {"model": model, "messages": [served.message(clip["id"], QUESTION)]}
    answer = pair.post("/v1/chat/completions", asked, timeout=280)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_page_shows_the_models_answer_and_not_the_rules(
    pair: served.Served, answered: Any
) -> None:
    shown = answered.inner_text("#talk > .answer:last-child .text")
    assert "answered by openai:duchenne" in answered.inner_text("#talk > .answer:last-child .sum")
    mine, rules = told(pair, "duchenne"), told(pair, "duchenne-rules")
    whole = mine["duchenne"]["answer"]
    assert _bare(shown) == _bare(mine["choices"][0]["message"]["content"])
    assert _bare(shown) != _bare(rules["choices"][0]["message"]["content"])
    assert (whole["model"], whole["grounded"]) == ("openai:duchenne", 1.0)
    assert whole["emotions"] and mine["usage"]["completion_tokens"] > 100
    print(json.dumps({"answer": shown, "usage": mine["usage"]}, ensure_ascii=False))


def test_each_citation_of_the_model_resolves(pair: served.Served, answered: Any) -> None:
    """Each leads to a cue of the clip, and to its moment in the video."""
    cues = {cue["id"]: cue for cue in told(pair, "duchenne")["duchenne"]["cues"]}
    cites = answered.locator("#talk > .answer:last-child .text .cite")
    assert cites.count() >= 3
    for number in range(cites.count()):
        cite = cites.nth(number)
        cue = cues[cite.inner_text().strip("[], ")]
        cite.click()
        assert cue["start"] - 0.1 <= web.now(answered) <= cue["end"] + 0.1
        assert answered.locator("#cues .lit, #now .lit").count()


def test_pictures_of_it(answered: Any) -> None:
    """Written for people to look at, wide and narrow, where DUCHENNE_SHOTS says."""
    if not (folder := os.environ.get("DUCHENNE_SHOTS")):
        pytest.skip("DUCHENNE_SHOTS names no folder for pictures")
    answered.locator("#talk > .answer:last-child .cite").first.click()
    for name, (width, height) in (("vllm", web.WIDE), ("vllm-narrow", web.NARROW)):
        answered.set_viewport_size({"width": width, "height": height})
        answered.wait_for_timeout(500)
        path = Path(folder) / f"{name}.png"
        answered.screenshot(path=str(path), full_page=name.endswith("narrow"))
        assert path.stat().st_size > 20_000


def _bare(text: str) -> str:
    """Words alone: the page sets citations and times as buttons of their own."""
    return "".join(character for character in text if character.isalnum())
