"""Training rows: what a model is shown, what it is to say, and what may not be trained on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import by_hand
import pytest

from agent.grounding import ground_all, grounded_share
from agent.schema.evidence import Evidence, number
from agent.schema.picture import Picture
from eval.leaks import held
from eval.samples import Sample
from finetune import completion, formats, rows
from finetune.formats import FormatError, Item
from finetune.rationale import rationale
from finetune.rewards import REWARDS
from finetune.rows import Row


def look(_item: Item) -> tuple[Evidence, Sequence[Picture]]:
    return by_hand.smiling(), (Picture("frame at 1.20 s", by_hand.png()),)


def item(**more: Any) -> Item:
    return Item(**({"id": "1", "dataset": "mine", "emotion": "happiness"} | more))


def row(id: str = "1", **more: Any) -> Row:
    values: dict[str, Any] = {
        "id": id, "dataset": "mine", "prompt": "?", "pictures": (), "completion": "x",
        "emotion": "happiness", "units": (), "evidence": "{}", "sha256": f"digest {id}",
    }  # fmt: skip
    return Row(**(values | more))


def written(folder: Path, content: Any, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


# --- rationales -----------------------------------------------------------------------------


def test_a_rationale_is_grounded_and_ends_in_the_label() -> None:
    evidence = by_hand.smiling()
    claims = rationale(evidence, "Happy")
    assert {claim.part for claim in claims} == {"observation", "interpretation", "conclusion"}
    assert grounded_share(ground_all(claims, evidence)) == 1.0
    text = completion.write(claims, "happiness")
    columns = {"emotion": ["happiness"], "units": [[6, 12, 25]], "evidence": [evidence.to_json()]}
    for name in ("form", "parts", "emotion", "grounding", "length"):
        assert REWARDS[name]([text], **columns) == [1.0], name
    assert REWARDS["alignment"]([text], **columns)[0] == pytest.approx(1.0, abs=0.05)


def test_no_reasons_are_made_up_for_a_label_that_nothing_shows() -> None:
    assert rationale(by_hand.smiling(), "disgust") == ()
    assert rationale(by_hand.smiling(), "sadness") == ()
    assert rationale(by_hand.smiling(), "neutral") == ()
    assert rationale(by_hand.smiling(), "nostalgia") == ()


def test_neutral_is_told_of_a_face_at_rest() -> None:
    rest = by_hand.smiling(cues=())
    claims = rationale(rest, "neutral")
    assert claims
    assert claims[-1].text.startswith("Nothing departs from rest")


def test_a_compound_rests_on_both_its_parts() -> None:
    cues = number(
        [by_hand.face(code, 1.0, 3.0, 3.0) for code in ("AU01", "AU02", "AU05", "AU12", "AU25")]
    )
    evidence = by_hand.smiling(cues=cues)
    claims = rationale(evidence, "happily surprised")
    told = " ".join(claim.text for claim in claims if claim.part == "interpretation")
    assert "Happiness rests on" in told
    assert "Surprise rests on" in told


# --- rows -----------------------------------------------------------------------------------


def test_the_gold_stands_in_the_completion_and_never_in_the_prompt() -> None:
    """The same prompt whatever the gold: the label set is named, the label is not."""
    smiling = rows.build(item(units=(6, 12)), look)
    other = rows.build(item(emotion="sadness", units=(1, 15), tree={"emotion": ["sadness"]}), look)
    assert smiling.prompt == other.prompt
    assert smiling.completion is not None
    assert completion.read(smiling.completion).answer == "happiness"
    assert other.completion is None
    with pytest.raises(ValueError, match="has no completion"):
        other.sft()


def test_messages_carry_pictures_before_the_text() -> None:
    made = rows.build(item(), look)
    sft, grpo = made.sft(), made.grpo()
    kinds = [part["type"] for part in sft["prompt"][0]["content"]]
    assert kinds == ["image", "text"]
    assert sft["images"][0]["bytes"].startswith(b"\x89PNG")
    assert sft["completion"][0]["role"] == "assistant"
    assert grpo["prompt"] == sft["prompt"]
    scored = {name: grpo[name] for name in ("emotion", "units", "evidence", "tree")}
    columns = {key: [value] for key, value in scored.items()}
    assert REWARDS["grounding"]([made.completion], **columns) == [1.0]
    assert REWARDS["units"]([made.completion], **columns) == [None]


def test_reasons_of_the_data_are_kept_unless_they_break_the_shape() -> None:
    kept = rows.build(item(thoughts="The corners rise (AU12)."), look)
    assert kept.completion is not None
    assert completion.read(kept.completion).think == "The corners rise (AU12)."
    assert not kept.gold_conditioned
    assert rows.build(item(thoughts="x </think> y"), look).completion is None
    assert rows.build(item(), look).gold_conditioned


def test_no_person_is_in_both_splits() -> None:
    made = [row(str(n), person=f"p{n % 40}") for n in range(400)]
    found = rows.split(made, val=0.25)
    people = [{r.person for r in found[name]} for name in ("train", "val")]
    assert not people[0] & people[1]
    assert 4 <= len(people[1]) <= 18
    again = rows.split(reversed(made), val=0.25)
    assert {r.id for r in again["val"]} == {r.id for r in found["val"]}
    assert rows.split(made, val=0.25, seed=1) != found


def test_a_split_that_parts_a_person_is_an_error() -> None:
    fine = [row("1", person="a", split="train"), row("2", person="b", split="test")]
    assert [r.id for r in rows.split(fine)["val"]] == ["2"]
    with pytest.raises(ValueError, match="mine/a is in the data's train split and in another"):
        rows.split([*fine, row("3", person="a", split="test")])


def test_a_clip_that_a_benchmark_holds_is_refused(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"the same bytes under another name")
    forbidden = held([Sample("x", clip, {}, "bench")])
    (digest,) = forbidden
    kept, refused = rows.admit([row("1"), row("2", sha256=digest)], forbidden)
    assert [r.id for r in kept] == ["1"]
    assert refused == ["2"]


# --- formats --------------------------------------------------------------------------------


def test_fea_20k_rows(tmp_path: Path) -> None:
    line = {
        "id": 7, "dataset": "DISFA", "image": "a/b.png", "question": "What is felt?",
        "AUs": ["AU6", "AU12"], "labels": ["happiness"], "description": "Corners rise (AU12).",
        "meta_info": {},
    }  # fmt: skip
    (found,) = formats.read(written(tmp_path, line), "fea-20k")
    assert (found.id, found.dataset, found.emotion) == ("7", "fea-20k/DISFA", "happiness")
    assert found.units == (6, 12)
    assert found.media == tmp_path / "a/b.png"
    assert found.gold_conditioned


def test_merr_rows_under_their_names(tmp_path: Path) -> None:
    data = {
        "sample_0001": {
            "AU_list": ["AU04"], "peak_AU_list": {"AU04_r": 2.3, "AU07_r": 0.4, "AU12_c": 1.0},
            "pseu_emotion": "angry", "caption": "The brows are lowered.", "peak_index": 12,
            "visual_prior_list": [], "audio_prior_list": [],
        }
    }  # fmt: skip
    (found,) = formats.read(written(tmp_path, data, "merr.json"), "merr", tmp_path / "clips")
    assert found.id == "sample_0001"
    assert found.media == tmp_path / "clips/sample_0001.mp4"
    assert found.units == (4,)
    assert found.emotion == "angry"


def test_sharegpt_rows_with_and_without_thoughts(tmp_path: Path) -> None:
    def said(value: str) -> dict[str, Any]:
        asked = {"from": "human", "value": "<video>\nWhat is felt?"}
        return {"video": "v.mp4", "conversations": [asked, {"from": "gpt", "value": value}]}

    data = [said("<think>It is loud.</think>\n<answer>angry</answer>"), said("happy")]
    one, other = formats.read(written(tmp_path, data, "r1.json"), "sharegpt")
    assert (one.emotion, one.thoughts, one.question) == ("angry", "It is loud.", "What is felt?")
    assert (other.emotion, other.thoughts) == ("happy", None)
    assert one.id != other.id


def test_expllm_numbers_become_units(tmp_path: Path) -> None:
    numbers = [0.0] * 24
    numbers[4] = numbers[5] = 0.6
    numbers[11] = 0.1
    numbers[23] = 0.3
    data = [{"file_name": "x.jpg", "emo": "disgust", "au": numbers, "description": "Nose."}]
    (found,) = formats.read(written(tmp_path, data), "expllm")
    assert found.units == (4, 9)
    with pytest.raises(FormatError, match=r"row 1: au has 3 numbers, not 24"):
        list(formats.read(written(tmp_path, [data[0] | {"au": [0, 0, 0]}]), "expllm"))


def test_mer_factory_rows(tmp_path: Path) -> None:
    data = {
        "source_path": "/elsewhere/clip_1.mp4", "final_summary": "A smile.",
        "overall_peak_frame_info": {"frame_number": 3, "timestamp": 0.1,
                                    "top_aus_intensities": {"AU06_r": 1.2, "AU12_r": 2.9}},
        "coarse_descriptions_at_peak": {},
    }  # fmt: skip
    (found,) = formats.read(written(tmp_path, data), "mer-factory")
    assert found.media == tmp_path / "clip_1.mp4"
    assert found.units == (6, 12)
    assert found.emotion is None
    assert not found.gold_conditioned


def test_ones_own_rows_and_their_faults(tmp_path: Path) -> None:
    lines = [
        {"id": "a", "media": "a.mp4", "emotion": "fear", "units": ["AU1", 4], "person": "anna"},
        {"media": "b.mp4", "units": []},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\n\n"
    one, other = formats.read(written(tmp_path, text), "own")
    assert (one.id, one.units, one.person, one.media) == ("a", (1, 4), "anna", tmp_path / "a.mp4")
    assert (other.id, other.units, other.emotion) == ("2", (), None)
    for fault, said in (
        ({"media": "a.mp4", "lable": "x"}, "row 1: unknown key 'lable'"),
        ({"emotion": "fear"}, "row 1: needs media, evidence or pictures"),
        ({"media": "a.mp4", "units": ["AU99"]}, "row 1: 'AU99' is no action unit"),
        ("[1, 2]", "row 1: not a JSON object"),
        ('{"media": "a.mp4"}\nnonsense', "line 2: not JSON"),
        ({"media": 1}, "row 1: media must be text"),
    ):
        with pytest.raises(FormatError, match=said):
            list(formats.read(written(tmp_path, fault), "own"))
    with pytest.raises(FormatError, match="unknown format 'csv'; there are own, fea-20k"):
        list(formats.read(tmp_path / "x", "csv"))
    with pytest.raises(FormatError, match="a fea-20k row needs 'image'"):
        list(formats.read(written(tmp_path, {"AUs": []}), "fea-20k"))


def test_the_examples_of_the_documentation_are_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "training_data.md").read_text(encoding="utf-8")
    blocks = text.split("```")[1::2]
    shown = {block.split("\n", 1)[0].removeprefix("json ").strip(): block for block in blocks
             if block.startswith("json ")}  # fmt: skip
    assert set(shown) == set(formats.FORMATS)
    for kind, block in shown.items():
        found = list(formats.read(written(tmp_path, block.split("\n", 1)[1]), kind))
        assert found and all(each.media or each.evidence or each.pictures for each in found)
