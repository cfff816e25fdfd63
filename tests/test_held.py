"""Curves of held-out scores: where they reach a value, and what is told and drawn of two kinds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune import held
from finetune.curves import needed


def test_where_a_curve_reaches_a_value_lies_on_the_line_between_two_points() -> None:
    curve = [(0.0, 1.0), (100.0, 2.0), (200.0, 1.5), (300.0, 3.0)]
    assert needed(curve, 1.5) == 50
    assert needed(curve, 2.5) == pytest.approx(266.67, abs=0.01)
    assert needed(curve, 1.0) == 0 and needed(curve, 3.1) is None


def _run(folder: Path, start: Path, values: dict[int, float]) -> Path:
    settings = {"model": str(start), "trainer": {"per_device_train_batch_size": 64}}
    for step, value in values.items():
        place = folder / f"checkpoint-{step}"
        place.mkdir(parents=True)
        (place / "recipe.json").write_text(json.dumps(settings))
        place.with_name(f"{place.name}.json").write_text(_scored(value))
    return folder


def _scored(value: float) -> str:
    return json.dumps({"all": dict.fromkeys(held.KEYS, value)})


def test_runs_that_need_half_the_rollouts_are_told_and_drawn_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = tmp_path / "start" / "checkpoint-9"
    start.mkdir(parents=True)
    start.with_name("checkpoint-9.json").write_text(_scored(1.0))
    plain = [_run(tmp_path / f"p{n}", start, {2: 1.5, 4: 2.0, 6: 9.0}) for n in range(2)]
    quick = [_run(tmp_path / f"e{n}", start, {2: 2.0, 4: 2.1}) for n in range(2)]
    svg = tmp_path / "out.svg"
    runs = ["--plain", *map(str, plain), "--efficient", *map(str, quick), "--draw", str(svg)]
    assert held.main(runs) == 0
    told = capsys.readouterr().out
    assert "| 128 | 1.500 ± 0.000 | 2.000 ± 0.000 |" in told
    assert "| 384 |" not in told  # where the quick ones were not scored
    assert "| 50% | 0.50 | 0.50 | 0.50 |" in told and "| 100% | 0.50 | 0.50 | 0.50 |" in told
    assert svg.read_text().count("<polyline") == 3 * 2 * 3
    assert "efficient" in svg.read_text()


def test_a_run_without_scores_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="score its checkpoints first"):
        held.line(tmp_path, "reward")
