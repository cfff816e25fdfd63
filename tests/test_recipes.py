"""Recipes: what they may say, what is told of a wrong one; rows and checkpoints without a model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from agent.facs.prototypes import BASIC
from agent.reading.judge import judge
from finetune import checkpoints, compact, completion, data, scores, world, world_rows, world_shelf
from finetune.recipe import RecipeError
from finetune.rewards import REWARDS
from finetune.settings import World, read
from finetune.world_shelf import Kept

RECIPES = Path(__file__).parents[1] / "finetune" / "recipes"
OURS = sorted(RECIPES.glob("*-sft.yaml")) + sorted(RECIPES.glob("*-grpo.yaml"))
OURS += sorted(RECIPES.glob("*-loop.yaml"))


@pytest.fixture(scope="module")
def kept() -> list[Kept]:
    return [world_shelf.keep(scene) for scene in world.scenes(10, 5, range(2), 0.0)]


def recipe(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text("kind: sft\nmodel: m\nout: o\nworld: {train: 5}\n" + text)
    return path


# --- recipes --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_every_recipe_that_is_shipped_can_be_read(path: Path) -> None:
    assert path.stem.endswith(read(path).kind)


def test_a_misspelt_key_is_told_with_what_was_meant(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="unknown key 'curiculum'; did you mean curriculum"):
        read(recipe(tmp_path, "curiculum: []"))
    with pytest.raises(RecipeError, match=r"unknown key 'lora\.rnk'; did you mean rank"):
        read(recipe(tmp_path, "lora: {rnk: 8}"))
    with pytest.raises(RecipeError, match=r"known: .*audio.*world"):
        read(recipe(tmp_path, "xyzzy: 1"))


def test_values_of_another_kind_are_told(tmp_path: Path) -> None:
    for text, told in {
        "tune: all": "tune: 'all' is none of lora, qlora, full",
        "lora: {rank: many}": "lora.rank: 'many' is no int",
        "curriculum: [{stage: attributes, rows: x}]": r"curriculum\[0\].rows: 'x' is no int",
        "pictures: voice": "pictures: 'voice' is no list",
        "trainer: {output_dir: x}": "output_dir is `out`",
        "world: null": "needs data",
    }.items():
        with pytest.raises(RecipeError, match=told):
            read(recipe(tmp_path, text))


def test_settings_can_be_changed_from_outside(tmp_path: Path) -> None:
    path = recipe(tmp_path, "trainer: {learning_rate: 1e-4}")
    found = read(path, ["trainer.learning_rate=2e-3", "lora.rank=4", "tune=full", "world.seed=7"])
    assert read(path).trainer["learning_rate"] == 1e-4
    assert found.trainer["learning_rate"] == 2e-3
    assert (found.lora.rank, found.tune, found.lora.alpha) == (4, "full", 64)
    assert found.world == World(train=5, seed=7)
    with pytest.raises(RecipeError, match="give it as key=value"):
        read(path, ["trainer"])


# --- rows of the world ----------------------------------------------------------------------


def test_scenes_come_back_from_the_shelf(kept: list[Kept], tmp_path: Path) -> None:
    world_shelf.write(tmp_path / "a" / "shelf.parquet", kept)
    assert list(world_shelf.read(tmp_path / "a" / "shelf.parquet")) == kept


def test_the_world_is_made_once_and_shares_nobody_with_its_test(tmp_path: Path) -> None:
    settings = World(train=6, test=6, people=3, shelf=str(tmp_path))
    train, test = (world_rows.scenes(settings, split) for split in ("train", "test"))
    assert not {s.person for s in train} & {s.person for s in test}
    made = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert world_rows.scenes(settings, "train") == train
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == made


def test_compact_completions_are_right_grounded_and_about_the_voice_where_it_alone_tells(
    kept: list[Kept],
) -> None:
    for scene in kept:
        row = world_rows.row(scene, "compact", BASIC)
        if row.completion is None:
            continue
        columns = {"emotion": [row.emotion], "evidence": [row.evidence]}
        for name in ("form", "emotion", "grounding"):
            assert REWARDS[name]([row.completion], **columns) == [1.0], (name, row.completion)
        cited = {id for claim in completion.read(row.completion).claims for id in claim.cites}
        if scene.family in ("voice", "conflict"):
            last = completion.read(row.completion).claims[-1]
            assert all(id.startswith("V") for id in last.cites), row.completion
        assert cited <= {cue.id for cue in scene.evidence.cues}


def test_the_compact_prompt_leaves_the_voice_to_its_picture_unless_told(kept: list[Kept]) -> None:
    words = ("loud", "quiet", "high", "low", "fast", "slow", "flat", "lively", "soft", "forceful")
    veiled = [world_rows.row(scene, "compact", BASIC) for scene in kept]
    told = [world_rows.row(scene, "compact", BASIC, veil=False) for scene in kept]
    assert not any(f"{word} " in row.prompt for row in veiled for word in words)
    assert sum(any(f"{word} " in row.prompt for word in words) for row in told) > len(kept) / 2
    assert all(row.pictures for row in veiled)


def test_stages_of_a_curriculum_tell_more_and_more(kept: list[Kept]) -> None:
    for scene in kept[:6]:
        if not compact.claims(scene.evidence, scene.emotion):
            continue
        stages = ("attributes", "expression", "emotion")
        for style in ("compact", "whole"):
            rows = [world_rows.row(scene, style, BASIC, stage) for stage in stages]  # type: ignore[arg-type]
            texts = [row.completion for row in rows]
            if None in texts:
                continue
            sizes = [len(str(text)) for text in texts]
            assert sizes == sorted(sizes) and "<answer>" not in str(texts[1])
            assert len({row.prompt for row in rows}) == 3
            assert completion.read(str(texts[2])).answer == scene.emotion


def test_a_stretch_that_is_told_shows_no_pictures(tmp_path: Path) -> None:
    """The voice stands in the prompt instead, and completions are the same."""
    text = """
style: compact
pictures: [voice]
curriculum:
  - {stage: attributes, rows: 5, told: true}
  - {stage: attributes, rows: 5}
"""
    settings = read(recipe(tmp_path, text), [f"world.shelf={tmp_path}", "world.people=2"])
    rows = data.rows(settings)
    told, heard = rows[:5], rows[5:]
    assert all(not row.pictures for row in told) and all(row.pictures for row in heard)
    by_id = {row.id: row for row in heard}
    both = [(row, by_id[row.id]) for row in told if row.id in by_id]
    assert both
    assert all(one.completion == other.completion for one, other in both)
    assert any(one.prompt != other.prompt for one, other in both)


def test_what_the_rules_teach_needs_no_gold(kept: list[Kept]) -> None:
    """The completion reasons for the rules' label, right or wrong; the row keeps the gold."""
    answers = []
    for scene in kept:
        row = world_rows.row(scene, "compact", BASIC, by="rules")
        assert row.emotion == scene.emotion and not row.gold_conditioned
        if row.completion is not None:
            answers.append((completion.read(row.completion).answer, scene))
    assert all(said == world_rows.of_rules(scene.evidence, BASIC) for said, scene in answers)
    assert {said == scene.emotion for said, scene in answers} == {True, False}


def test_labels_drawn_by_the_rules_chances_are_possible_and_not_always_the_likeliest(
    kept: list[Kept],
) -> None:
    """So that a start can sample what the rules take for less likely; the gold plays no part."""
    drawn = [world_rows.of_rules(scene.evidence, BASIC, "chances") for scene in kept]
    assert drawn == [world_rows.of_rules(scene.evidence, BASIC, "chances") for scene in kept]
    shares = [judge(scene.evidence).shares for scene in kept]
    assert all(of[label] > 0 for of, label in zip(shares, drawn, strict=True))
    likeliest = [world_rows.of_rules(scene.evidence, BASIC) for scene in kept]
    assert 0 < sum(a != b for a, b in zip(drawn, likeliest, strict=True)) < len(kept)
    row = world_rows.row(kept[0], "compact", BASIC, by="chances")
    assert completion.read(str(row.completion)).answer == drawn[0] and not row.gold_conditioned


def test_other_voices_can_be_put_in_place_of_the_clips_own(tmp_path: Path) -> None:
    """Rows ask the same of other pictures, and the voice that is put in can be heard."""
    asked = read(recipe(tmp_path, "style: compact\npictures: [voice]"),
                 [f"world.shelf={tmp_path}", "world.test=5"])  # fmt: skip
    found = {
        how: scores.held_out(asked, how)[1] for how in ("as it is", "blank", "mean", "another")
    }  # type: ignore[arg-type]
    assert len({tuple(row.prompt for row in rows) for rows in found.values()}) == 1
    png = {how: [row.pictures[0].png for row in rows] for how, rows in found.items()}
    assert len(set(png["blank"])) == len(set(png["mean"])) == 1 != len(set(png["as it is"]))
    assert sorted(png["another"]) == sorted(png["as it is"])
    assert not any(a == b for a, b in zip(png["another"], png["as it is"], strict=True))
    assert not scores.held_out(asked, "none")[1][0].pictures


# --- files ----------------------------------------------------------------------------------


def test_a_clip_that_a_benchmark_holds_is_refused(kept: list[Kept], tmp_path: Path) -> None:
    rows = []
    for n, scene in enumerate(kept[:3]):
        media = scene.evidence.media.model_copy(
            update={"sha256": hashlib.sha256(f"clip {n}".encode()).hexdigest()}
        )
        record = scene.evidence.model_copy(update={"media": media})
        (tmp_path / f"{n}.json").write_text(record.to_json())
        rows.append({"id": f"c{n}", "evidence": f"{n}.json", "emotion": "anger", "person": f"p{n}"})
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "held.mp4").write_bytes(b"clip 1")
    (tmp_path / "bench.jsonl").write_text(
        '{"id": "x", "dataset": "b", "path": "held.mp4", "labels": {}}'
    )
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"kind: grpo\nmodel: m\nout: o\nval: 0.0\nfiles: [{{path: {tmp_path}/own.jsonl}}]\n"
    )
    assert len(data.file_rows(read(path), "train")) == 3
    found = data.file_rows(read(path, [f"refuse=[{tmp_path}/bench.jsonl]"]), "train")
    assert sorted(row.id.split("/")[1] for row in found) == ["c0", "c2"]
    with pytest.raises(RecipeError, match="pictures: no kind 'stripe'"):
        data.file_rows(read(path, ["pictures=[stripe]"]), "train")


# --- scores ---------------------------------------------------------------------------------


def test_gold_scores_full_and_silence_nothing(kept: list[Kept]) -> None:
    gold = [f"<think>\n- AU4\n</think>\n<answer>{s.emotion}</answer>" for s in kept]
    found = scores.table(kept, gold)
    assert set(found) == {*world.FAMILIES, "all"}
    assert all(row["accuracy"] == row["uar"] == row["form"] == 1.0 for row in found.values())
    assert all(v == 0.0 for row in scores.table(kept, [""] * 10).values() for v in row.values())
    assert scores.table(kept, scores.rules(kept))["all"]["grounding"] > 0.9


def test_a_table_tells_the_spread_of_seeds() -> None:
    one = {"all": dict.fromkeys(scores.MEASURES, 0.5)}
    other = {"all": dict.fromkeys(scores.MEASURES, 0.7)}
    assert "| GRPO | 60.0 ± 14.1 |" in scores.markdown({"GRPO": [one, other]}, "all")
    families = ("all", *world.FAMILIES)
    each = [dict.fromkeys(families, table["all"]) for table in (one, other)]
    cells = " | ".join(["60.0 ± 14.1"] * 6)
    assert scores.by_family({"GRPO": each}, "units").endswith(f"| GRPO | {cells} |")


# --- checkpoints ----------------------------------------------------------------------------


def saved(out: Path, step: int, size: int = 1000) -> Path:
    part = checkpoints.writing(out)
    (part / "deep").mkdir()
    (part / "deep" / "weights").write_bytes(np.random.default_rng(step).bytes(size))
    place = out / f"checkpoint-{step}"
    checkpoints.seal(part, place)
    return place


def test_the_last_whole_checkpoint_is_found(tmp_path: Path) -> None:
    assert checkpoints.last(tmp_path / "nothing") is None
    first, second = saved(tmp_path, 9), saved(tmp_path, 10)
    assert checkpoints.last(tmp_path) == second
    weights = second / "deep" / "weights"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "is not what was written" in checkpoints.faults(second)[0]
    assert checkpoints.last(tmp_path) == first
    (first / checkpoints.MANIFEST).unlink()
    assert checkpoints.last(tmp_path) is None


def test_what_a_kill_left_behind_is_no_checkpoint_and_is_cleared(tmp_path: Path) -> None:
    left = checkpoints.writing(tmp_path)
    (left / "weights").write_bytes(b"half")
    place = saved(tmp_path, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-3"]
    assert json.loads((place / checkpoints.MANIFEST).read_text())["files"]["deep/weights"]["size"]


def test_only_so_many_checkpoints_stay(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        saved(tmp_path, step)
    checkpoints.rotate(tmp_path, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-2"]
