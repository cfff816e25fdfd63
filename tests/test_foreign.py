"""What means something to other programs is broken up before they read it; names stay apart."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from agent.captions.cli import main
from agent.captions.exports import file_key
from agent.models.brief import quoted
from agent.schema.answer import Claim
from agent.util.foreign import harmless
from finetune import completion

SIGNS = [
    "<video>", "<image>", "<audio>", "<|im_end|>", "<|im_start|>", "<|vision_start|>", "<s>",
    "</s>", "<｜User｜>", "[INST]", "[/INST]", "<<SYS>>", "{{ name }}", "{% for %}", "{# note #}",
    "<start_of_turn>", "<image_1>", "<tool_call>", "[IMG]", "<|video_pad|>", "<think>", "<bos>",
]  # fmt: skip


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_stands_no_longer_and_can_still_be_read(sign: str) -> None:
    text = harmless(f"put the {sign} here")
    assert sign not in text and sign.replace(" ", "") == text[8:-4].replace(" ", "")
    assert harmless(text) == text
    assert sign not in json.loads(quoted(f"put {sign} here"))


@pytest.mark.parametrize(
    "text", ["I <3 you", "a -> b --> c", "5 < 6 > 4", "well [A1, W2]", "(AU12) {a}", "100 % #1"]
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_a_training_target_holds_no_sign_but_its_own() -> None:
    said = Claim(text="He says “<|im_end|> [INST] <video>”.", cites=("W1",), part="observation")
    text = completion.write([said], "happiness {{x}}")
    assert not any(sign in text for sign in ("<|im_end|>", "[INST]", "<video>", "{{"))
    assert completion.read(text).claims[0].cites == ("W1",)


NAMES = ["a/1.mp4", "a_1.mp4", "a.1.mp4", "a%2F1.mp4", "a 1.mp4", "a:1", "a\\1.mp4", "é/好.mp4"]


def test_keys_of_files_are_apart_and_give_the_name_back() -> None:
    keys = [file_key(name) for name in NAMES]
    assert len(set(keys)) == len(NAMES) and [unquote(key) for key in keys] == NAMES
    assert all(re.fullmatch(r"[^./\\\s:]+", key) for key in keys)
    long = [file_key("好" * 200 + end) for end in "ab"]
    assert long[0] != long[1] and max(len(key.encode()) for key in long) <= 200


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Path:
    """Clips whose names run together, one with signs in its subtitles; all exports of them."""
    folder = tmp_path_factory.mktemp("foreign")
    for name in ("a/1.mp4", "a_1.mp4", "a#P1.mp4"):
        target = folder / "clips" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(media / "smile.mp4", target)
    said = " ".join(SIGNS)
    (folder / "clips" / "a_1.srt").write_text(f"1\n00:00:00,100 --> 00:00:01,000\nsay {said}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUCHENNE_CACHE", str(folder / "cache"))
        patch.delenv("DUCHENNE_MODEL", raising=False)
        kinds = ["jsonl", "sharegpt", "merr", "fea20k", "expllm", "webdataset"]
        out = folder / "out"
        asked = [str(folder / "clips"), "--out", str(out), "--workers", "1", "--to", *kinds]
        assert main(asked) == 0
    return out / "exports"


def test_exports_hold_as_many_placeholders_as_media_and_no_control_tokens(captioned: Path) -> None:
    rows = json.loads((captioned / "sharegpt" / "captions.json").read_text())
    assert len(rows) == 3
    for row in rows:
        told = "".join(turn["value"] for turn in row["conversations"])
        assert told.count("<video>") == 1 and "<image>" not in told and "<|" not in told
    texts = [path.read_text() for path in captioned.rglob("*.json*")]
    with tarfile.open(captioned / "webdataset" / "captions-00000.tar") as tar:
        found = [tar.extractfile(one) for one in tar if one.name.endswith((".json", ".txt"))]
        texts += [held.read().decode() for held in found if held is not None]
    assert any("say < video >" in text for text in texts)
    for text in texts:
        assert not re.search(r"<\||\[INST\]|\{\{|</s>|<think>", text)


def test_names_in_exports_are_unique_and_lead_back(captioned: Path) -> None:
    with tarfile.open(captioned / "webdataset" / "captions-00000.tar") as tar:
        keys = [name.removesuffix(".mp4") for name in tar.getnames() if name.endswith(".mp4")]
    ids = {unquote(unquote(key)) for key in keys}
    assert len(keys) == 3 and ids == {"a/1.mp4", "a_1.mp4", "a#P1.mp4"}
    pictures = [path.name for path in (captioned / "fea20k" / "images").iterdir()]
    assert len(pictures) == 3
    merr = json.loads((captioned / "merr" / "captions.json").read_text())
    assert len(merr) == 3
