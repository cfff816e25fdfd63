"""The bridge in a real vLLM: it answers as Hugging Face does.

sh tests/vllm_setup.sh ~/vllm-env
DUCHENNE_VLLM=~/vllm-env python -m pytest -m vllm tests/test_vllm_bridge.py
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import vllm_host

from agent.vllm import probe

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(540)]

TOLERANCE = 5e-5
"""Between log-probabilities of two float32 implementations; measured below 6e-6."""
KINDS = ("text", "pictures", "voice", "both", "several")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of tests/tiny_duchenne.py."""
    return vllm_host.made("tiny_duchenne.py", tmp_path_factory.mktemp("tiny-duchenne"))


@pytest.fixture(scope="module")
def compared(tiny: Path) -> dict[str, Any]:
    """What tests/vllm_parity.py found."""
    return found_by_parity(tiny)


def found_by_parity(*words: Path | str) -> dict[str, Any]:
    """The last line of tests/vllm_parity.py."""
    done = subprocess.run(
        [vllm_host.python(), vllm_host.TESTS / "vllm_parity.py", *words],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("weights", ["base", "unmerged", "merged"])
def test_fifty_prompts_have_the_log_probabilities_of_hugging_face(
    compared: dict[str, Any], weights: str
) -> None:
    """Of every token of the prompt and of the whole vocabulary as first token of the answer."""
    assert compared["prompts"] == 50
    found = compared[weights]
    assert set(found) == {f"{kind}/{what}" for kind in KINDS for what in ("prompt", "first")}
    for name, off in found.items():
        print(f"{weights} {name}: max {off['max']:.1e}, mean {off['mean']:.1e}, n {off['count']}")
        assert off["max"] < TOLERANCE, name


def test_greedy_answers_are_those_of_hugging_face(compared: dict[str, Any]) -> None:
    """Of the exported checkpoint, 24 tokens each; two words may be as likely to six digits."""
    print(f"{compared['same answers']} of 50 greedy answers are the same")
    assert compared["same answers"] >= 48


def test_what_agrees_would_not_without_the_bridge_or_the_adapter(compared: dict[str, Any]) -> None:
    """Each moves the answer ten thousand times further than the two are apart."""
    for kind in ("voice", "both", "several"):
        assert compared["bridge matters"][f"{kind}/first"]["mean"] > 1e4 * TOLERANCE
    for kind in KINDS:
        assert compared["adapter matters"][f"{kind}/first"]["mean"] > 1e3 * TOLERANCE


def test_bfloat16_is_far_within_what_the_probe_allows(tiny: Path) -> None:
    """The probe's own rule, fifty prompts. Rounding grows about with the root of the layers: a
    model of 36 has some four times the differences of these two."""
    for pair, off in found_by_parity("--halved", tiny / "merged").items():
        print(pair, {kind: round(value, 3) for kind, value in off.items()})
        assert 0 < max(off.values()) < probe.ALLOWED["bfloat16"] / 4
