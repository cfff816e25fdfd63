"""The model's own data: what holds is kept, the rest reflected on; a killed round goes on.

~/bridge-env/bin/python -m pytest tests/test_loop.py
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs torch: tests/bridge_setup.sh makes a place")
pytest.importorskip("trl", reason="needs trl: tests/bridge_setup.sh makes a place")

from finetune import data, loop, train, world_rows
from finetune.loop import Draft
from finetune.settings import Loop, Phase, Recipe, Tiny, World

LABELS = ("neutral", "happiness", "sadness", "anger", "fear", "surprise", "disgust")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


def recipe(shelf: Path, out: Path, **more: Any) -> Recipe:
    settings = {
        "per_device_train_batch_size": 4, "learning_rate": 1e-2, "max_steps": 3,
        "save_strategy": "no", "logging_steps": 50, "gradient_checkpointing": False,
    }  # fmt: skip
    return Recipe(**{
        "kind": "loop", "model": str(shelf / "taught"), "out": str(out), "tune": "full",
        "tiny": Tiny(hidden=48, layers=2, heads=2, voice=16, voice_layers=1, pieces=400),
        "world": World(train=5, test=5, people=3, seed=4, shelf=str(shelf)), "style": "compact",
        "pictures": (), "labels": LABELS, "trainer": settings,
        "loop": Loop(rounds=1, rows=4, batch=2, tokens=90, temperature=0.7, held=2, grounding=0.5),
    } | more)  # fmt: skip


@pytest.fixture(scope="module")
def rows(shelf: Path) -> list[Any]:
    return data.rows(recipe(shelf, shelf / "none"))


@pytest.fixture(scope="module")
def taught(shelf: Path, rows: list[Any]) -> Path:
    """A tiny model that knows two of its rows by heart."""
    told = [row for row in rows if row.completion][:2]
    asked = recipe(shelf, shelf / "sft", kind="sft", model=str(shelf / "base"))
    asked = replace(asked, trainer={**asked.trainer, "max_steps": 60})
    last = train.train(train.build(asked, told))
    last.rename(shelf / "taught")
    return shelf / "taught"


def told(row: Any) -> str:
    assert row.completion
    return str(row.completion)


def test_gold_passes_its_own_filter_and_each_fault_is_named(rows: list[Any]) -> None:
    row = next(r for r in rows if r.completion and r.units and "AU" in r.completion)
    assert loop.faults(row, told(row), Loop()) == ()
    other = "anger" if row.emotion != "anger" else "fear"
    wrong = told(row).replace(f"<answer>{row.emotion}", f"<answer>{other}")
    assert loop.faults(row, wrong, Loop()) == ("label",)
    assert "form" in loop.faults(row, told(row).replace("</think>", ""), Loop())
    assert "units" in loop.faults(
        row, told(row).replace("AU", "AU6, AU9, AU20, AU23, AU24, AU14, AU10, AU12, AU"), Loop()
    )
    bare = told(row).replace("[", "").replace("]", "")
    assert loop.faults(row, bare, Loop()) == ("grounding",)


def test_the_truth_is_told_for_the_second_attempt_alone(rows: list[Any]) -> None:
    row = next(r for r in rows if r.completion)
    draft = Draft(row.id, 0, "<think>x</think>\n<answer>joy</answer>", ("label", "grounding"))
    small = loop.again(row, draft, "compact")
    assert small.prompt.endswith(f"\nemotion: {row.emotion}")
    assert row.prompt.endswith(", ".join(LABELS))
    large = loop.again(row, draft, "whole").prompt
    assert f"The person feels {row.emotion}." in large
    assert "> <answer>joy</answer>" in large
    assert "the answer is another feeling; claims cite cues" in large
    kept = loop.pooled([row], {row.id: Draft(row.id, 1, told(row), ())})
    assert [(r.prompt, r.completion, r.gold_conditioned) for r in kept] == [
        (row.prompt, row.completion, True)
    ]
    assert not loop.pooled([row], {row.id: Draft(row.id, 0, told(row), ())})[0].gold_conditioned
    assert loop.pooled([row], {row.id: draft}) == []


def test_a_stretch_that_names_the_label_asks_as_the_second_attempt_does(shelf: Path) -> None:
    """Else a small model has never seen such a prompt, and loses the form over it."""
    asked = recipe(shelf, shelf / "none", kind="sft")
    usual, named = (
        {row.id: row for row in data.rows(replace(asked, curriculum=(phase,)))}
        for phase in (Phase("emotion", 5), Phase("emotion", 5, named=True))
    )
    draft = Draft("", 0, "", ("label",))
    assert usual and usual.keys() == named.keys()
    for id, row in usual.items():
        assert named[id].prompt == loop.again(row, draft, "compact").prompt != row.prompt
        assert named[id].completion == row.completion


def test_rounds_go_through_the_rows_in_turn(rows: list[Any]) -> None:
    first, second = loop._drawn(rows, 1, 3), loop._drawn(rows, 2, 3)
    assert [row.id for row in first + second] == [row.id for row in [*rows, *rows][:6]]
    assert len(loop._drawn(rows, 1, 99)) == len(rows)


def test_a_killed_round_goes_on_with_the_same_texts(
    shelf: Path,
    taught: Path,  # noqa: ARG001 - lies where the recipe looks
    tmp_path: Path,
) -> None:
    """Killed while it writes, while it trains, and before it reports."""
    whole = recipe(shelf, tmp_path / "whole")
    model = loop.run(whole)
    place = tmp_path / "whole" / "round-1"
    report = json.loads((place / "report.json").read_text())
    assert report["kept_at_once"] + report["kept_after_reflection"] == report["pool"] > 0
    assert report["model"] == str(model)
    assert set(report["held_out"]) <= set(loop.MEASURES)
    assert len((tmp_path / "whole" / "rounds.md").read_text().splitlines()) == 4
    texts = (place / "drafts.jsonl").read_bytes()
    for cut in (len(texts) // 3, len(texts) - 5):
        out = tmp_path / f"again-{cut}"
        (out / "round-1").mkdir(parents=True)
        (out / "round-1" / "drafts.jsonl").write_bytes(texts[:cut])
        loop.run(replace(whole, out=str(out)))
        found = json.loads((out / "round-1" / "report.json").read_text())
        own = {"seconds", "model"}
        assert {k: v for k, v in found.items() if k not in own} == {
            k: v for k, v in report.items() if k not in own
        }
        again = {(d.id, d.attempt): d for d in loop._read(out / "round-1" / "drafts.jsonl")}
        assert again == {(d.id, d.attempt): d for d in loop._read(place / "drafts.jsonl")}


def test_a_round_in_which_nothing_holds_is_told(shelf: Path, tmp_path: Path) -> None:
    """An untaught model writes nothing of the shape."""
    raw = recipe(shelf, tmp_path, model=str(shelf / "raw"))
    train.make_tiny(replace(raw, kind="sft"), data.rows(raw))
    raw = replace(raw, loop=replace(raw.loop, tokens=4))
    with pytest.raises(ValueError, match="nothing the model wrote holds"):
        loop.run(raw)
    assert len((tmp_path / "round-1" / "drafts.jsonl").read_text().splitlines()) == 8


def test_held_out_people_are_others(shelf: Path, rows: list[Any]) -> None:
    held = loop._held(recipe(shelf, shelf / "none"))
    assert held
    assert not {row.person for row in held} & {row.person for row in rows}
    assert world_rows.HELD > 0
