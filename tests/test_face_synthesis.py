"""Rendered people: the muscles that are set are the muscles that move, and it is repeatable."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from finetune.aus.recipe import Recipe
from finetune.faces import clips, example, ict, muscles, people, plans
from finetune.recipe import RecipeError, read

LIP_CORNERS = {"L": 54, "R": 48}
BROW_MIDDLE = {"L": 24, "R": 19}


@pytest.fixture(scope="module")
def head(shared_models: Path) -> ict.Head:
    return ict.load(shared_models / "ict_face.npz")


@pytest.fixture(scope="module")
def shared_models(shared: Path) -> Path:
    return shared / "models"


@pytest.fixture(scope="module")
def renderer(head: ict.Head):  # type: ignore[no-untyped-def]  # moderngl is optional
    pytest.importorskip("moderngl", reason="rendering needs the extra 'faces'")
    from finetune.faces.render import Renderer

    try:
        return Renderer(head, 128)
    except Exception as error:  # every driver fails in its own way
        pytest.skip(f"no EGL here: {error}")


def height(head: ict.Head, state: muscles.State, landmark: int) -> float:
    mesh = head.bend(head.neutral, muscles.weights(state))
    return float(mesh[head.landmarks[landmark], 1])


def test_a_one_sided_smile_lifts_only_the_persons_own_lip_corner(head: ict.Head) -> None:
    state: muscles.State = {}
    muscles.both(state, 12, 4.0, "L")
    rise = {s: height(head, state, m) - height(head, {}, m) for s, m in LIP_CORNERS.items()}
    assert rise["L"] > 0.4
    assert abs(rise["R"]) < 0.1
    assert head.neutral[head.landmarks[LIP_CORNERS["L"]], 0] > 0  # the person's left is at +x


def test_brows_go_up_with_au2_and_down_with_au4(head: ict.Head) -> None:
    up: muscles.State = {}
    down: muscles.State = {}
    muscles.both(up, 2, 4.0)
    muscles.both(down, 4, 4.0)
    for mark in BROW_MIDDLE.values():
        assert height(head, up, mark) > height(head, {}, mark) > height(head, down, mark)


def test_the_head_model_is_also_read_from_a_checkout(head: ict.Head, tmp_path: Path) -> None:
    folder = tmp_path / "FaceXModel"
    folder.mkdir()
    smile = head.shapes[head.row["mouthSmile_L"]]
    for name, points in {
        "generic_neutral_mesh": head.neutral,
        "identity000": head.neutral + head.identities[0],
        "mouthSmile_L": head.neutral + smile,
    }.items():
        with (folder / f"{name}.obj").open("w") as out:
            out.writelines(f"v {x:.5f} {y:.5f} {z:.5f}\n" for x, y, z in points)
            for quad in head.quads[:50]:
                out.write("f " + " ".join(f"{i + 1}/1/1" for i in quad) + "\n")
    marks = {"idx_to_landmark_verts": head.landmarks.tolist()}
    (folder / "vertex_indices.json").write_text(json.dumps(marks))
    again = ict.load(tmp_path)
    assert again.names == ("mouthSmile_L",)
    assert np.allclose(again.shapes[0], smile, atol=1e-4)
    assert (again.landmarks == head.landmarks).all()


def test_a_missing_head_model_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ict.HeadModelError, match="DUCHENNE_ICT"):
        ict.load(tmp_path / "nothing.npz")
    with pytest.raises(ict.HeadModelError, match="no checkout"):
        ict.load(tmp_path)


def test_a_seed_gives_the_same_person_and_another_seed_another() -> None:
    one, again, other = people.person(3), people.person(3), people.person(4)
    assert np.array_equal(one.identity, again.identity)
    assert one.skin == again.skin
    assert not np.array_equal(one.identity, other.identity)


def test_scripts_are_true_to_their_events() -> None:
    plan = clips.script(np.random.default_rng(0), 30)
    brief = [e for e in plan.events if e.group == "brief"]
    assert brief
    assert all(e.offset - e.onset <= 0.5 for e in brief)
    for event in plan.events:
        middle = (event.apex + event.apex_end) / 2
        assert event.at(event.onset) == 0
        assert event.at(middle) == event.intensity
        assert event.at(event.offset) == 0
        shown = plan.state(middle)
        name = f"AU{43 if event.au == 45 else event.au:02d}"
        sides = [name] if name in shown else [f"{name}_{s}" for s in "LR" if event.side in (s, "B")]
        assert all(shown[side] >= event.intensity - 1e-6 for side in sides)


def test_the_example_smiles_first_and_frowns_later() -> None:
    plan = example.schedule()
    assert plan.state(0.3).get("AU12_L", 0) == 0
    smile, frown = plan.state(3.0), plan.state(7.0)
    assert smile["AU12_L"] > 3 < smile["AU06_L"] + 0.5
    assert frown["AU04_L"] > 4
    assert frown.get("AU12_L", 0) == 0


def test_lips_part_when_the_jaw_drops(renderer) -> None:  # type: ignore[no-untyped-def]
    from finetune.faces.render import look

    face = look(renderer.head, people.person(1))
    column = muscles.TRUTH.index("AU25")
    shut, open_ = (clips.truth(renderer, face, {"AU26": jaw})[column] for jaw in (0.0, 3.0))
    assert shut == 0
    assert open_ > 2


def test_pictures_repeat_exactly_and_show_a_face(  # type: ignore[no-untyped-def]
    renderer, shared_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune.faces import scene
    from finetune.faces.render import look

    def draw() -> np.ndarray:
        rng = np.random.default_rng(2)
        face = look(renderer.head, people.person(2))
        shot = scene.shot(rng, renderer.size, plain=True)
        return clips.snap(renderer, face, shot, {"AU12_L": 4.0}, 0.0, rng).image

    first = draw()
    assert np.array_equal(first, draw())
    monkeypatch.setenv("DUCHENNE_ASSETS", str(shared_models))
    from agent.senses.faces.models import load

    assert load().detector.find(first)


def test_smiles_bare_teeth_and_push_cheeks_without_the_muscles_that_do_so_elsewhere(
    renderer,  # type: ignore[no-untyped-def]
) -> None:
    from finetune.faces.render import look

    smile = {"AU12_L": 4.0, "AU12_R": 4.0}
    bared = smile | {f"{name}_{side}": 0.3 for name in ("bared", "dropped") for side in "LR"}
    shapes = muscles.weights(bared)
    assert shapes["mouthLowerDown_L"] == pytest.approx(0.3)
    assert muscles.weights(bared | {"AU16_L": 2.0})["mouthLowerDown_L"] == pytest.approx(0.7)
    face = look(renderer.head, people.person(1))
    shut, shown = (clips.truth(renderer, face, state) for state in (smile, bared))
    assert shown[muscles.TRUTH.index("AU25")] > shut[muscles.TRUTH.index("AU25")]
    assert shown[muscles.TRUTH.index("AU16_L")] == 0


def test_smiling_people_mostly_smile_and_now_and_then_only_talk() -> None:
    rng = np.random.default_rng(0)
    states = [muscles.smile(rng) for _ in range(300)]
    smiling = [max(s.get("AU12_L", 0), s.get("AU12_R", 0)) >= 1 for s in states]
    assert 0.6 < np.mean(smiling) < 0.9
    raised = [s.get("AU06_L", 0.0) > 0 for s, smiles in zip(states, smiling, strict=True) if smiles]
    assert 0.3 < np.mean(raised) < 0.8
    assert any(s.get("AU16_L", 0.0) > 2 for s in states)


def test_people_of_different_splits_never_meet_and_plans_repeat(tmp_path: Path) -> None:
    every = [plan for split in plans.SPLITS for plan in plans.plans(split, 0, 40)]
    assert len({plan.file(tmp_path) for plan in every}) == len(every) == 200
    assert every == [plan for split in plans.SPLITS for plan in plans.plans(split, 0, 40)]


def test_the_skins_legs_learn_from_people_of_the_recipe() -> None:
    recipe = read(Recipe, Path(__file__).parents[1] / "finetune" / "recipes" / "aus.yaml")
    assert recipe.skin
    for leg in recipe.skin:
        assert leg.steps > 0
        assert leg.people <= recipe.people
        assert leg.smiling <= recipe.smiling
        if leg.more:
            assert recipe.more[0] <= leg.more[0] < leg.more[1] <= recipe.more[1]


def test_a_recipe_with_an_unknown_key_or_a_wrong_kind_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "aus.yaml"
    recipe.write_text("people: 3\nseconds: 4\n")
    assert read(Recipe, recipe).seconds == 4.0
    assert read(Recipe, recipe, ["people=7"]).people == 7
    with pytest.raises(RecipeError, match="unknown key 'peple'; did"):
        read(Recipe, recipe, ["peple=7"])
    with pytest.raises(RecipeError, match="no int"):
        read(Recipe, recipe, ["people=many"])


def test_held_out_people_are_told_apart_by_frames_and_by_person() -> None:
    pytest.importorskip("moderngl", reason="rendering needs the extra 'faces'")
    from finetune.aus.parts import Read, table

    rng = np.random.default_rng(1)
    every = []
    for number in range(9):
        truth = rng.uniform(0, 5, (40, 5))
        found = {name: truth + rng.normal(0, s, truth.shape) for name, s in (
            ("learned", 0.5), ("shortcut", 2.0),
        )}  # fmt: skip
        yaw = np.full(40, (5.0, 20.0, 40.0)[number % 3])
        half = number % 2 == 0
        every.append(Read(truth, found, yaw, number / 9, half, half, half))
    lines = {line.split(" | ")[0].strip("| "): line for line in table(every)}
    assert lines["all"].split(" | ")[1] == "9"
    assert lines["yaw beyond 26°"].split(" | ")[1] == "3"
    assert lines["lightest third"].split(" | ")[1] == "3"
    assert lines["speech"].split(" | ")[1] == "5"
    learned, shortcut = (float(lines["all"].split(" | ")[i].split()[0]) for i in (2, 3))
    assert learned > shortcut
