"""Published measures come out to the last bit; the vectors are outputs of the peers' own code."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest

from eval import published, wheel

VECTORS = Path(__file__).with_name("vectors") / "published_measures.json"
MAPPING = "662a5e0997afc2aa75e09f89033b89fab9541089034cec34071a3c5f36fba90b"
"""sha256 of the mapping file as MERTools publishes it."""


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(VECTORS.read_text())
    return data


@pytest.fixture(scope="module")
def wheels() -> wheel.Wheels:
    return wheel.load()


def same(found: float, wanted: object) -> bool:
    return math.isnan(found) if wanted == "NaN" else found == wanted


def test_the_shipped_mapping_is_the_published_one(tmp_path: Path, wheels: wheel.Wheels) -> None:
    whole = json.dumps(json.loads(gzip.decompress(wheel.DATA.read_bytes())), ensure_ascii=False)
    assert hashlib.sha256(whole.encode()).hexdigest() == MAPPING
    (tmp_path / "mapping.json").write_text(whole)
    assert wheel.load(tmp_path / "mapping.json") == wheels


def test_wheel_scores(vectors: dict[str, Any], wheels: wheel.Wheels) -> None:
    for case in vectors["ov"]:
        for key, wanted in case.items():
            if not key.endswith("_fpr"):
                continue
            release, level, _ = key.split("_")
            found = published.wheel_overlap(wheels, case["gt"], case["pred"], release, level)
            assert all(map(same, found, wanted)), (case["name"], key, found, wanted)


def test_single_wheels(vectors: dict[str, Any], wheels: wheel.Wheels) -> None:
    pairs = {
        "partial": ("happy, sad", "happy"),
        "surprise_vs_shock": ("surprise", "shock"),
        "contempt_vs_disgust": ("contempt", "disgust"),
    }
    for case in vectors["per_wheel"]:
        gold, pred = pairs[case["name"]]
        for grouping, wanted in case.items():
            if grouping != "name":
                found = published.single_overlap(wheels, gold, pred, grouping)
                found = (0.0, 0.0) if math.isnan(found[0]) else found
                assert list(found) == wanted, (case["name"], grouping)


def test_hit_rate(vectors: dict[str, Any], wheels: wheel.Wheels) -> None:
    for case in vectors["hitrate"]:
        found = published.hit_rate(wheels, case["gt"], case["pred"])
        assert all(map(same, found, case["affectgpt_hitrate_mscore"])), case["name"]


def test_mapping_of_words(vectors: dict[str, Any], wheels: wheel.Wheels) -> None:
    for case in vectors["mapping"]:
        for n in range(5):
            for level in ("level1", "level2"):
                found = wheels.sector(case["label"], n, level)
                assert found == case[f"wheel{n + 1}"][level], (case["label"], n, level)


def test_label_lists(vectors: dict[str, Any]) -> None:
    for case in vectors["string_to_list"]:
        assert wheel.split(case["in"]) == case["out"]


def test_rewards(vectors: dict[str, Any]) -> None:
    for case in vectors["facial_r1_au_reward"]:
        found = published.facial_r1_au_reward(case["completion"], case["gt"])
        assert found == case["reward"], case
    for case in vectors["think_answer_format_reward"]:
        assert published.think_answer_format_reward(case["completion"]) == case["reward"], case
    for case in vectors["r1omni_accuracy_reward_string_path"]:
        found = published.r1_omni_accuracy_reward(case["completion"], case["gt"])
        assert found == case["reward"], case


def test_mer_factory(vectors: dict[str, Any]) -> None:
    for case in vectors["merfactory_au_f1"]:
        found = published.mer_factory_au(case["text"], case["peak"])
        assert found == (case["au_pr"], case["au_re"], case["au_f1"]), case
    for case in vectors["merfactory_composite"]:
        assert published.mer_factory_composite(case["m"]) == case["score"]
    for case in vectors["merfactory_text"]:
        found = published.mer_factory_text(case["t"])
        assert found == {key: case[key] for key in found}


def test_every_group_of_vectors_is_reproduced_here(vectors: dict[str, Any]) -> None:
    assert set(vectors) == {
        "note", "source", "ov", "ov_level2", "per_wheel", "hitrate", "mapping", "string_to_list",
        "facial_r1_au_reward", "think_answer_format_reward", "r1omni_accuracy_reward_string_path",
        "merfactory_au_f1", "merfactory_composite", "merfactory_text",
    }  # fmt: skip
    assert vectors["ov_level2"] == []
