"""A tower that learns to hear tells what was measured of voices, whichever tower it is."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch: tests/bridge_setup.sh makes a place")
pytest.importorskip("trl", reason="needs trl: tests/bridge_setup.sh makes a place")

from finetune import compact, hearing, world_rows  # noqa: E402
from finetune.settings import Recipe, Tiny, World  # noqa: E402


@pytest.mark.parametrize("routed", [True, False])
def test_a_tower_that_was_taught_tells_the_pitch(routed: bool, tmp_path: Path) -> None:
    """Of the clips it was taught on: eight are too few to tell it of others."""
    recipe = Recipe(
        kind="sft", model=str(tmp_path / "base"), out=str(tmp_path), tune="full", tower=True,
        tiny=Tiny(hidden=48, layers=1, heads=2, voice=64, voice_layers=1, pieces=400),
        world=World(train=8, test=5, people=4, seed=4, shelf=str(tmp_path)), style="compact",
        pictures=("voice",), routed=routed,
    )  # fmt: skip
    model, processor = hearing.start(recipe)
    assert recipe.world is not None
    scenes = world_rows.scenes(recipe.world, "train")
    before = [w.clone() for w in model.model.language_model.parameters()]
    pitch = compact.VOICE.index("pitch")
    deaf = torch.nn.Linear(48, 2 * len(compact.VOICE))
    assert hearing.explained(model, processor, deaf, scenes, 8)[pitch] < 0.2
    ear = hearing.teach(model, processor, scenes, 80, 4, 3e-3)
    assert hearing.explained(model, processor, ear, scenes, 8)[pitch] > 0.6
    after = model.model.language_model.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
